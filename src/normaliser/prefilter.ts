import { LiteralScanner } from './literal-scanner';
import { isEndOf } from './text-end';
import { EdgeFilter, type Edges, edgesOf, NO_EDGES } from './text-edges';
import type { PatternFilter } from './pattern-filter';
import { bestGroup, foldCharacter, type LiteralGroup, requiredLiterals, tellingPart } from './required-literals';
import type { RegexpNode } from './regexp-tree';

/** What is known of a pattern: its expression, or that one of these separators is in every text that it matches. */
export type FilteredPattern =
  | { readonly tree: RegexpNode; readonly flags: string; readonly isAnchored: boolean }
  | { readonly separators: readonly string[] };

/** A group that is looked at besides the one that makes a pattern a candidate has few literals, and all long. */
const FURTHER_LITERALS = 8;
const FURTHER_CHARACTERS = 5;
/** Longer literals would make the scanner's table outgrow the processor's cache, and tell hardly more. */
const LITERAL_CHARACTERS = 6;

/**
 * Tells which of many patterns can match a text, by its first characters and its last, and by one scan of it for the
 * literals that they cannot match without.
 * A pattern is known by the number that `add` gave it. What it rules out cannot match; what it admits may.
 */
export class Prefilter implements PatternFilter {
  private readonly literals = new Map<string, number>();
  /** Pattern → its groups of literals, of each of which one must have been seen; the first makes it a candidate. */
  private readonly groups: (readonly (readonly number[])[])[] = [];
  /** Literal → patterns that it makes candidates. */
  private readonly triggered: number[][] = [];
  private scanner: LiteralScanner | undefined;
  /** A bit a pattern: those that no literal rules out; those whose first group was seen; those that may match. */
  private always = new Uint32Array(0);
  private seen = new Uint32Array(0);
  private candidates = new Uint32Array(0);
  private scanned: string | undefined;
  /** The candidates are those for it among the patterns from this one on. */
  private lookedAt: string | undefined;
  private lookedFrom = 0;
  private readonly edges: Edges[] = [];
  private edgeFilter: EdgeFilter | undefined;

  /** Adds a pattern; undefined: it is always a candidate. All are added before the first `look`. */
  add(pattern: FilteredPattern | undefined): number {
    const number = this.groups.length;
    this.edges.push(pattern !== undefined && 'tree' in pattern
      ? edgesOf(pattern.tree, pattern.flags, pattern.isAnchored) : NO_EDGES);
    const groups = groupsOf(pattern).map((group) => group.map((literal) => this.numberOf(literal)));
    for (const literal of groups[0] ?? []) (this.triggered[literal] ??= []).push(number);
    this.groups.push(groups);
    return number;
  }

  /**
   * Looks at a text for the patterns from `first` to before `end`; candidates are those until the next call. The end of
   * the text looked at last may be given without another scan: what appears in it appeared in the whole.
   */
  look(text: string, first: number, end: number): void {
    // Most normalizers change nothing of the text that they are applied to.
    if (first === this.lookedFrom && text === this.lookedAt) return;
    this.lookedAt = text;
    this.lookedFrom = first;
    const scanner = this.scanner ?? this.seal();
    if (this.scanned === undefined || !isEndOf(text, this.scanned)) {
      this.seen.set(this.always);
      this.scanned = text;
      scanner.scan(text, this.seen);
    }
    this.edgeFilter?.apply(text, this.seen, this.candidates, first >>> 5, (end + 31) >>> 5);
  }

  get isAscii(): boolean {
    return this.scanner?.isAscii ?? false;
  }

  next(from: number): number {
    const { candidates } = this;
    for (let word = from >>> 5, low = from & 31; word < candidates.length; word += 1, low = 0) {
      const bits = (candidates[word] as number) & (-1 << low);
      if (bits !== 0) return (word << 5) + 31 - Math.clz32(bits & -bits);
    }
    return this.groups.length;
  }

  /** Whether its other literals are there, too. */
  mayMatch(pattern: number): boolean {
    const groups = this.groups[pattern] as readonly (readonly number[])[];
    for (let index = 1; index < groups.length; index += 1) {
      if (!this.sawAny(groups[index] as readonly number[])) return false;
    }
    return true;
  }

  private sawAny(group: readonly number[]): boolean {
    for (const literal of group) if (this.scanner?.saw(literal) === true) return true;
    return false;
  }

  private seal(): LiteralScanner {
    this.always = new Uint32Array((this.groups.length >>> 5) + 1);
    this.seen = new Uint32Array(this.always.length);
    this.candidates = new Uint32Array(this.always.length);
    this.edgeFilter = new EdgeFilter(this.edges, this.always.length);
    this.groups.forEach((groups, pattern) => { if (groups.length === 0) setBit(this.always, pattern); });
    const triggered = Array.from(this.literals.keys(), (_, literal) => this.triggered[literal] ?? []);
    this.scanner = new LiteralScanner([...this.literals.keys()], triggered);
    return this.scanner;
  }

  private numberOf(whole: string): number {
    const literal = tellingPart(whole, LITERAL_CHARACTERS);
    const known = this.literals.get(literal) ?? this.literals.size;
    this.literals.set(literal, known);
    return known;
  }
}

function groupsOf(pattern: FilteredPattern | undefined): readonly LiteralGroup[] {
  if (pattern === undefined) return [];
  if ('tree' in pattern) return chosen(requiredLiterals(pattern.tree));
  const codes = pattern.separators.map((separator) => foldCharacter(separator.charCodeAt(0)));
  return codes.every((code) => code < 128) ? [codes.map((code) => String.fromCharCode(code))] : [];
}

/** The most telling group first, and one besides; more would cost on every line, and spare few tries. */
function chosen(groups: readonly LiteralGroup[]): readonly LiteralGroup[] {
  const best = bestGroup(groups);
  if (best === undefined) return [];
  const further = groups.find((group) => group !== best && group.length <= FURTHER_LITERALS
    && group.every((literal) => literal.length >= FURTHER_CHARACTERS));
  return further === undefined ? [best] : [best, further];
}

function setBit(bits: Uint32Array, bit: number): void {
  bits[bit >>> 5] = (bits[bit >>> 5] as number) | (1 << (bit & 31));
}
