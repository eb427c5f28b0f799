import type { RegexpNode } from './regexp-tree';

/** Which of the 128 ASCII characters a one-character expression matches; found by asking it, so never mistaken. */
export type AsciiSet = readonly boolean[];

const KEPT_SETS = 4_096;
const sets = new Map<string, AsciiSet>();
const forms = new WeakMap<AsciiSet, string>();

export function asciiSetOf(source: string, flags: string): AsciiSet {
  const key = `${flags} ${source}`;
  const known = sets.get(key);
  if (known !== undefined) return known;
  const form = new RegExp(`^(?:${source})$`, flags);
  const set = Array.from({ length: 128 }, (_, code) => form.test(String.fromCharCode(code)));
  if (sets.size >= KEPT_SETS) sets.clear();
  sets.set(key, set);
  return set;
}

/**
 * The same expression for texts of ASCII characters only, without flags: each class becomes the ASCII characters that
 * it matches under `flags`, case included. Classes of Unicode cost V8 much more, and it keeps texts of ASCII in one
 * byte a character.
 */
export function asciiFormOf(node: RegexpNode, flags: string): string {
  switch (node.kind) {
    case 'set': return setFormOf(node.source, flags);
    case 'edge': return node.source;
    case 'capture': return `(${asciiFormOf(node.item, flags)})`;
    case 'look': return `(${node.opening}${asciiFormOf(node.item, flags)})`;
    case 'choice': return `(?:${node.options.map((option) => asciiFormOf(option, flags)).join('|')})`;
    case 'sequence': return node.items.map((item) => asciiFormOf(item, flags)).join('');
    case 'repeat': return `(?:${asciiFormOf(node.item, flags)})${countForm(node.least, node.most)}${node.lazy ? '?' : ''}`;
  }
}

function countForm(least: number, most: number): string {
  if (most === Infinity) return least === 0 ? '*' : least === 1 ? '+' : `{${least},}`;
  return least === 0 && most === 1 ? '?' : `{${least},${most}}`;
}

function setFormOf(source: string, flags: string): string {
  const set = asciiSetOf(source, flags);
  const known = forms.get(set);
  if (known !== undefined) return known;
  const form = setForm(set);
  forms.set(set, form);
  return form;
}

/** A class with the last character in it is written by what it lacks, so that `[^\n]` stays as cheap as that. */
function setForm(set: AsciiSet): string {
  const members = set.flatMap((isIn, code) => (isIn ? [code] : []));
  const [only] = members;
  if (only !== undefined && members.length === 1) return hex(only);
  return set[127] === true ? `[^${ranges(set, false)}]` : `[${ranges(set, true)}]`;
}

function ranges(set: AsciiSet, wanted: boolean): string {
  const parts: string[] = [];
  for (let from = 0; from < set.length; from += 1) {
    if (set[from] !== wanted) continue;
    let to = from;
    while (to + 1 < set.length && set[to + 1] === wanted) to += 1;
    parts.push(from === to ? hex(from) : `${hex(from)}-${hex(to)}`);
    from = to;
  }
  return parts.join('');
}

function hex(code: number): string {
  return `\\x${code.toString(16).padStart(2, '0')}`;
}
