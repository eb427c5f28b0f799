import { type RegexpNode, stepsOf } from './regexp-tree';

/** Literals in lower case, of which at least one appears in every text that matches. */
export type LiteralGroup = readonly string[];

/**
 * What follows of a regular expression for every text in which it matches: of each group at least one literal appears,
 * when the text is folded by `foldCharacter`. A group holds only ASCII, each literal 2 to 24 characters, or one that is
 * rare in lines.
 *
 * The proof goes by the shape of the expression. `exact` lists all texts, folded, that a part can consume; of parts in
 * a row the exact ones multiply to runs, and each run must appear; of alternatives one must match, so that the union
 * of one group of each must appear; a repetition that may be left out gives nothing.
 */
export function requiredLiterals(node: RegexpNode): readonly LiteralGroup[] {
  return usable(groupsOf(analyse(node)));
}

/** What suffices to tell a literal from others: a part of it that is rare, of at most so many characters. */
export function tellingPart(literal: string, length: number): string {
  let best = literal.slice(0, length);
  for (let from = 1; from + length <= literal.length; from += 1) {
    const part = literal.slice(from, from + length);
    if (weight(part) > weight(best)) best = part;
  }
  return best;
}

/** Folds as `iu` does for ASCII: besides the capitals, U+017F (ſ) is an `s` and U+212A (the Kelvin sign) a `k`. */
export function foldCharacter(code: number): number {
  if (code >= 65 && code <= 90) return code + 32;
  if (code === 0x17f) return 115;
  return code === 0x212a ? 107 : code;
}

interface Known {
  /** All texts that the part can consume; undefined: too many, or unknown. */
  readonly exact: readonly string[] | undefined;
  /** Groups besides `exact`. */
  readonly groups: readonly LiteralGroup[];
}

const EXACT_MOST = 16;
const GROUP_MOST = 40;
const LITERAL_LEAST = 2;
/** One of these alone tells enough. */
const RARE_CHARACTER = /^[|=#;{}<>~^&@%!?*$+\\`]$/;
const LITERAL_MOST = 24;
const NOTHING: Known = { exact: undefined, groups: [] };
const EMPTY: Known = { exact: [''], groups: [] };

function groupsOf({ exact, groups }: Known): readonly LiteralGroup[] {
  return exact === undefined ? groups : [...groups, exact];
}

function analyse(node: RegexpNode): Known {
  switch (node.kind) {
    case 'set': return { exact: foldedMembers(node.source), groups: [] };
    case 'capture': return analyse(node.item);
    case 'edge': return EMPTY;
    // It consumes nothing; what it asks for appears somewhere in the text, unless it asks for its absence.
    case 'look': return node.opening.endsWith('!') ? EMPTY : { exact: [''], groups: groupsOf(analyse(node.item)) };
    case 'sequence': return sequence(node.items);
    case 'choice': return choice(node.options.map(analyse));
    case 'repeat': return repetition(analyse(node.item), node.least, node.most);
  }
}

function sequence(items: readonly RegexpNode[]): Known {
  const groups: LiteralGroup[] = [];
  let run: readonly string[] = [''];
  let isWhole = true;
  const flush = (): void => {
    groups.push(run);
    run = [''];
    isWhole = false;
  };
  for (const item of stepsOf(items)) {
    const known = analyse(item);
    groups.push(...known.groups);
    if (known.exact === undefined) {
      flush();
      continue;
    }
    const longer = product(run, known.exact);
    if (longer === undefined) flush();
    run = longer ?? known.exact;
  }
  return isWhole ? { exact: run, groups } : { exact: undefined, groups: [...groups, run] };
}

function product(left: readonly string[], right: readonly string[]): readonly string[] | undefined {
  if (left.length * right.length > EXACT_MOST) return undefined;
  const all = left.flatMap((head) => right.map((tail) => head + tail));
  return all.some((text) => text.length > LITERAL_MOST) ? undefined : [...new Set(all)];
}

function choice(options: readonly Known[]): Known {
  const exact = [...new Set(options.flatMap((option) => option.exact ?? []))];
  if (options.every((option) => option.exact !== undefined) && exact.length <= EXACT_MOST) return { exact, groups: [] };
  const best = options.map((option) => bestGroup(groupsOf(option)));
  const union = new Set<string>();
  for (const group of best) {
    if (group === undefined) return NOTHING;
    for (const literal of group) union.add(literal);
  }
  return union.size > GROUP_MOST ? NOTHING : { exact: undefined, groups: [[...union]] };
}

function repetition(item: Known, least: number, most: number): Known {
  if (least === 0) {
    if (most !== 1 || item.exact === undefined || item.exact.length >= EXACT_MOST) return NOTHING;
    return { exact: [...new Set(['', ...item.exact])], groups: [] };
  }
  if (item.exact === undefined) return { exact: undefined, groups: item.groups };
  if (item.exact.every((text) => text === '')) return item;
  let run: readonly string[] = [''];
  for (let round = 0; round < least; round += 1) {
    const longer = product(run, item.exact);
    // The rounds so far must appear all the same.
    if (longer === undefined) return { exact: undefined, groups: [...item.groups, run] };
    run = longer;
  }
  return least === most ? { exact: run, groups: item.groups } : { exact: undefined, groups: [...item.groups, run] };
}

/** The most telling group: the longer its shortest literal and the fewer there are, the fewer texts hold one. */
export function bestGroup(groups: readonly LiteralGroup[]): LiteralGroup | undefined {
  const [best] = [...usable(groups)].sort((left, right) => worth(right) - worth(left));
  return best;
}

function worth(group: LiteralGroup): number {
  return Math.min(...group.map(weight)) - Math.log2(group.length);
}

function weight(literal: string): number {
  return [...literal].reduce((sum, character) => sum + rarity(character), 0);
}

/** Digits, blanks and the marks of dates and lists are in most lines. */
function rarity(character: string): number {
  if (/[0-9 .:,=/-]/.test(character)) return 0.4;
  return /[aeinorst]/.test(character) ? 0.8 : 1.2;
}

function usable(groups: readonly LiteralGroup[]): readonly LiteralGroup[] {
  return groups.filter((group) => group.length > 0 && group.length <= GROUP_MOST
    && group.every((literal) => literal.length >= LITERAL_LEAST || RARE_CHARACTER.test(literal)));
}

/** The folded ASCII characters that a one-character expression stands for; undefined: more than a few, or others. */
function foldedMembers(source: string): readonly string[] | undefined {
  const codes = source.startsWith('[') ? listedCodes(source.slice(1, -1)) : listedCodes(source);
  if (codes === undefined || codes.length === 0 || codes.some((code) => code > 127)) return undefined;
  const folded = [...new Set(codes.map((code) => String.fromCharCode(foldCharacter(code))))];
  return folded.length > 4 ? undefined : folded;
}

/** The codes of a list of single characters; undefined for ranges, properties and negation. */
function listedCodes(list: string): readonly number[] | undefined {
  const codes: number[] = [];
  const form = /\\u\{([0-9a-fA-F]+)\}|\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([\^$\\.*+?()[\]{}|/-])|([^\\^-])/uy;
  while (form.lastIndex < list.length) {
    const match = form.exec(list);
    if (match === null) return undefined;
    const digits = match[1] ?? match[2] ?? match[3];
    codes.push(digits === undefined ? (match[4] ?? match[5] ?? '').codePointAt(0) ?? 0 : Number.parseInt(digits, 16));
  }
  return codes;
}
