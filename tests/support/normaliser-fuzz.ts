import { systemClock } from '../../src/clock';
import { DefinitionError } from '../../src/normaliser/definition-error';
import { loadDefinitionFile } from '../../src/normaliser/definition-loader';
import { memoryDefinitionStore } from '../../src/normaliser/memory-definition-store';
import { createNormaliser } from '../../src/normaliser/normaliser';
import type { DefinitionFile, DefinitionSet, NormalisedLine, NormaliserInput } from '../../src/normaliser/ports';
import { WorkerPool } from '../../src/normaliser/worker-pool';
import { silentLog } from '../../src/log';
import { sampleLines } from './pylogsparser/installation';
import { exampleLines, mutatedLines, seededRandom } from './pylogsparser/mutated-lines';

const MiB = 2 ** 20;
const BATCH = 2_000;
/** A batch that takes longer hangs. */
const BATCH_MS = 600_000;

export interface FuzzOptions {
  readonly set: DefinitionSet;
  readonly lines: number;
  /** One line of so many has 1 MiB. */
  readonly longEach: number;
  readonly seed: number;
  readonly workers: number;
  /** Told after each batch. */
  readonly onProgress?: (done: number) => void;
}

export interface FuzzReport {
  readonly lines: number;
  readonly mebibytes: number;
  readonly matched: number;
  readonly longLines: number;
  readonly seconds: number;
  readonly threadsLost: number;
  readonly abandonedLines: number;
  readonly offenders: readonly string[];
  /** Highest resident size of the process at the end of a batch. */
  readonly rssMiBMost: number;
  /** One sentence each; empty when all went well. */
  readonly problems: readonly string[];
}

/** Sends random and mutated lines, hostile ones among them, through a pool, and checks what comes back. */
export async function fuzzLines(options: FuzzOptions): Promise<FuzzReport> {
  const { set, lines, workers } = options;
  const pool = new WorkerPool({ store: memoryDefinitionStore([set]), clock: systemClock, log: silentLog, workers });
  const source = new HostileLines(set, options.seed, options.longEach);
  const problems: string[] = [];
  const total = { done: 0, characters: 0, matched: 0, longLines: 0, rssMost: 0 };
  const started = performance.now();
  try {
    for (let batch = 0; total.done < lines; batch += 1) {
      const inputs = source.next(Math.min(BATCH, lines - total.done));
      const results = await within(pool.normalise(set.version, inputs), BATCH_MS);
      problems.push(...wrongResults(inputs, results));
      if (batch % 25 === 0) {
        const again = await within(pool.normalise(set.version, inputs), BATCH_MS);
        if (JSON.stringify(again) !== JSON.stringify(results)) problems.push(`batch ${batch} gave something else again`);
      }
      total.done += inputs.length;
      for (const [index, { text }] of inputs.entries()) {
        total.characters += text.length;
        if (text.length >= MiB) total.longLines += 1;
        if (results[index]?.found !== '') total.matched += 1;
      }
      total.rssMost = Math.max(total.rssMost, process.memoryUsage.rss());
      options.onProgress?.(total.done);
    }
    const { threadsLost, abandonedLines, queuedLines } = pool.statistics();
    if (queuedLines !== 0) problems.push(`${queuedLines} lines are queued in the end`);
    return {
      lines: total.done, mebibytes: Math.round(total.characters / MiB), matched: total.matched,
      longLines: total.longLines,
      seconds: Math.round((performance.now() - started) / 1_000), threadsLost,
      abandonedLines,
      offenders: pool.patternOffences()
        .map(({ normalizer, pattern, offences }) => `${normalizer} ${pattern}: ${offences}`),
      rssMiBMost: Math.round(total.rssMost / MiB), problems,
    };
  } finally {
    await pool.close();
  }
}

function wrongResults(inputs: readonly NormaliserInput[], results: readonly NormalisedLine[]): readonly string[] {
  if (results.length !== inputs.length) return [`${inputs.length} lines gave ${results.length} results`];
  return results.flatMap(({ found, dateMs }, index) => {
    const isGood = areMembers(found) && (dateMs === undefined || Number.isFinite(dateMs));
    return isGood ? [] : [`a bad result for ${JSON.stringify(inputs[index]?.text.slice(0, 200))}`];
  });
}

/** Whether this is what the index is sent: a value for each tag that it names. */
function areMembers(text: string): boolean {
  try {
    const { normalizers, tags = [], ...fields } = JSON.parse(`{${text}}`) as Readonly<Record<string, unknown>>;
    const values = Object.values(fields);
    return Array.isArray(normalizers) === (text !== '') && Array.isArray(tags) && tags.length === values.length
      && values.every((value) => typeof value === 'string' || typeof value === 'number');
  } catch {
    return false;
  }
}

async function within<T>(promise: Promise<T>, timeMs: number): Promise<T> {
  const stop = new AbortController();
  const late = systemClock.sleep(timeMs, stop.signal).then((): never => {
    throw new Error(`no answer within ${timeMs} ms`);
  });
  // Ended by the abort, it rejects after all; nobody waits for it then.
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
  }
}

const ZONES = ['UTC', 'Europe/Paris', 'Asia/Kathmandu', 'America/Santiago'];
/** Runs of these make expressions look again and again. */
const RUNS = [
  'a', ' ', '=', '"', '\\', '[', ']', '(', ':', ',', ';', '.', '-', '0', '\t', '\0', 'a=', 'a="b" ', '1.1.1.1', 'a.', '/a',
  '<1>', 'é', '\ud800', '😀', '{"a":', '[[', 'x x', '%20', 'CEF:0|', '\u2028', 'http://', 'key=value ', 'ab:cd:', '\r',
];

/** Lines of every kind; the same for the same seed. */
class HostileLines {
  private readonly random: () => number;
  private readonly seeds: readonly string[];
  private made = 0;

  constructor(set: DefinitionSet, seed: number, private readonly longEach: number) {
    this.random = seededRandom(seed);
    this.seeds = [...exampleLines(createNormaliser(set)), ...sampleLines(20)];
  }

  next(count: number): readonly NormaliserInput[] {
    const mutated = mutatedLines({ seeds: this.some(200), seed: this.below(2 ** 31), count });
    return mutated.map((line) => {
      this.made += 1;
      const text = this.made % this.longEach === 0 ? this.long() : this.random() < 0.7 ? line : this.hostile(line);
      return { text, receivedMs: this.below(4_102_444_800_000), timeZone: this.pick(ZONES) };
    });
  }

  private hostile(line: string): string {
    switch (this.below(6)) {
      case 0: return this.binary(this.below(300));
      case 1: return line + this.pick(RUNS).repeat(this.below(200));
      case 2: {
        const [left, right] = [this.below(line.length + 1), this.below(line.length + 1)];
        return line.slice(0, left) + this.pick(RUNS).repeat(this.below(400)) + line.slice(right);
      }
      case 3: return line.replaceAll(this.pick([' ', ':', '=', '"']), this.pick(RUNS));
      case 4: return this.characters(this.below(300));
      default: return this.pick(RUNS).repeat(this.below(300)) + this.pick(RUNS);
    }
  }

  /** A little more than 1 MiB, so that it counts as such whatever it is made of. */
  private long(): string {
    const unit = this.random() < 0.5 ? this.pick(RUNS) : `${this.pick(this.seeds)} `;
    return (this.pick(this.seeds) + unit.repeat(Math.ceil(MiB / unit.length))).slice(0, MiB + 100);
  }

  private binary(length: number): string {
    return Buffer.from(Array.from({ length }, () => this.below(256))).toString(this.random() < 0.5 ? 'utf8' : 'latin1');
  }

  /** Any UTF-16, halves of pairs included. */
  private characters(length: number): string {
    return String.fromCharCode(...Array.from({ length }, () => this.below(this.random() < 0.5 ? 128 : 65_536)));
  }

  private some(count: number): readonly string[] {
    return Array.from({ length: count }, () => this.pick(this.seeds));
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

export interface LoaderFuzzReport {
  readonly files: number;
  readonly loaded: number;
  readonly msMost: number;
  readonly problems: readonly string[];
}

const MARKS = [
  '<', '>', '&', '"', '/', '<!--', '-->', ']]>', '<![CDATA[', '\0', '\ud800', '&lt;', '&#0;', '&x;', '<!DOCTYPE a [', '<?x', '(', ')', '*',
  '+', '[', '{9999999}', '(?:', '\\', '|', '<pattern name="p">', '</pattern>', 'substitute',
  '<tagType name="T"><regexp>', ' name=""',
];

/** Loads mutations of definition files: each must give a definition or a DefinitionError, soon. */
export function fuzzLoader(set: DefinitionSet, count: number, seed: number): LoaderFuzzReport {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const common = set.files.filter(({ name }) => name.includes('common_'));
  const problems: string[] = [];
  let loaded = 0;
  let msMost = 0;
  for (let file = 0; file < count; file += 1) {
    let { xml } = set.files[below(set.files.length)] as DefinitionFile;
    for (let changes = 1 + below(4); changes > 0; changes -= 1) {
      const at = below(xml.length);
      const cut = below(8) === 0 ? below(2_000) : below(6);
      const mark = (MARKS[below(MARKS.length)] as string).repeat(below(10) === 0 ? below(2_000) : 1);
      xml = xml.slice(0, at) + mark + xml.slice(at + cut);
    }
    const started = performance.now();
    try {
      loadDefinitionFile({ name: 'mutated.xml', xml });
      createNormaliser({ version: 'mutated', files: [...common, { name: 'mutated.xml', xml }] });
      loaded += 1;
    } catch (error) {
      if (!(error instanceof DefinitionError)) problems.push(`file ${file}: ${String(error)}`);
    }
    msMost = Math.max(msMost, performance.now() - started);
  }
  return { files: count, loaded, msMost: Math.round(msMost), problems };
}
