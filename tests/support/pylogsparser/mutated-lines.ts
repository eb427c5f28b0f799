import type { NormaliserChain } from '../../../src/normaliser/normaliser';

/** Numbers from 0 to below 1 that are the same for the same seed: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Programs that prerequisites ask for, by normalizer. */
const PROGRAMS: Readonly<Record<string, string>> = {
  netfilter: 'kernel', postfix: 'postfix/smtp', 'cisco-asa_msg': '%ASA-6-302015',
};

/** Every example of the definitions, wrapped so that the whole chain comes to the normalizer that it is for. */
export function exampleLines(chain: NormaliserChain): readonly string[] {
  return chain.definitions.flatMap(({ definition }) => definition.patterns.flatMap(({ examples }) => (
    examples.flatMap(({ text }) => wrapped(definition.appliedTo, definition.name, text)))));
}

function wrapped(appliedTo: string, name: string, text: string): readonly string[] {
  const access = (referer: string, agent: string): string => (
    `10.1.2.3 - - [20/Jul/2009:00:29:39 +0300] "GET /index/helper/test HTTP/1.1" 200 889 "${referer}" "${agent}"`);
  switch (appliedTo) {
    case 'body': return [text, `<38>Nov  6 17:32:47 host ${PROGRAMS[name] ?? name.toLowerCase()}[12]: ${text}`];
    case 'eventlog_description': return ['<13>Nov 21 17:45:25 dc1 MSWinEventLog\t1\tSecurity\t237\tWed Nov 21 17:45:25'
      + `\t2012\t576\tSecurity\tAdministrator\tUser\tSuccess Audit\tDC1\tLogon\t${text}\t210`];
    case 'url': return [`1259844091.407    307 10.2.3.4 TCP_MISS/200 1015 GET ${text} fbo DIRECT/10.3.4.5 text/css`];
    case 'useragent': return [access('-', text)];
    case 'request_header_referer_contents': return [access(text, 'curl')];
    default: return [text];
  }
}

/** Characters at which the two languages' ideas of text part. */
const ODD = [
  ' ', '\t', '=', ',', '"', "'", ':', ';', '[', ']', '(', '/', '-', '.', '_', '@', '0', '9', 'A', 'z', '<', '>', '\\',
  '|', '%', 'é', 'ß', 'Σ', 'ſ', 'İ', 'K', '\u00a0', '\u0085', '\u001f', '\u180e', '\u2028', '\u3000', '\ufeff', '\u0665',
  '\u0301', '\u{1d7d8}', '😀', '\0', '\r',
];
/** Values at the edges of what numbers, dates and codes may be. */
const EDGES = [
  '0', '-1', '+7', '5L', '0x1F', '1e3', '1.5', '٣', '99', '191', '192', '255', '256', '999', '2147483648',
  '18446744073709551616', '-', '', 'None', 'nan', '9223372036854775807', '126227704000000000',
];

export interface Mutation {
  readonly seeds: readonly string[];
  readonly seed: number;
  readonly count: number;
}

/** All seeds as they are, then lines made of them: characters, words and numbers changed, lines cut and joined. */
export function mutatedLines({ seeds, seed, count }: Mutation): readonly string[] {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const words = seeds.flatMap((line) => line.split(/[\s=,]+/)).filter((word) => word.length < 40);
  const inWords = (line: string, change: (items: string[]) => void): string => {
    const items = line.split(' ');
    change(items);
    return items.join(' ');
  };
  const changes: readonly ((line: string) => string)[] = [
    (line) => { const at = below(line.length + 1); return line.slice(0, at) + pick(ODD) + line.slice(at); },
    (line) => { const at = below(line.length); return line.slice(0, at) + pick(ODD) + line.slice(at + 1); },
    (line) => { const at = below(line.length); return line.slice(0, at) + line.slice(at + 1 + below(6)); },
    (line) => line.slice(0, below(line.length + 1)),
    (line) => inWords(line, (items) => { items[below(items.length)] = pick(words); }),
    (line) => inWords(line, (items) => { items.splice(below(items.length), 0, pick(words)); }),
    (line) => inWords(line, (items) => { const [word] = items.splice(below(items.length), 1); items.push(word ?? ''); }),
    (line) => {
      const other = pick(seeds);
      return line.slice(0, below(line.length)) + other.slice(below(other.length));
    },
    (line) => line.replace(/\d+/g, (digits) => (
      random() < 0.15 ? String(below(10 ** Math.min(9, digits.length))) : digits)),
    (line) => line.replace(/\d+/g, (digits) => (random() < 0.1 ? pick(EDGES) : digits)),
    (line) => line.replace(/(?<==)[^\s,|=]+/g, (value) => (random() < 0.2 ? pick([...EDGES, pick(words)]) : value)),
    (line) => (random() < 0.5 ? line.toLowerCase() : line.toUpperCase()),
    (line) => ` ${line}  `.slice(below(2)),
  ];
  const mutate = (line: string): string => {
    let changed = line;
    for (let left = below(4); left > 0; left -= 1) changed = pick(changes)(changed);
    return changed.replace(/\p{Surrogate}/gu, '?');
  };
  const lines = seeds.slice(0, count);
  while (lines.length < count) lines.push(mutate(pick(seeds)));
  return lines;
}
