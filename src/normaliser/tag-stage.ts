import type { CompiledDefinition, CompiledPattern } from './compiled-definition';
import { applyAnyCsv, applyMatch, prerequisitesHold, type RunOutcome, valueOf } from './definition-runner';
import type { LineLog } from './line-log';
import { LiteralScanner } from './literal-scanner';
import { PatternMatcher } from './pattern-matcher';
import type { Match, NormaliserInput } from './ports';
import { bestGroup, type LiteralGroup, requiredLiterals } from './required-literals';

/** A pattern of one of the stage's normalizers. Its bit in the set of candidates is its index. */
interface Entry {
  readonly pattern: CompiledPattern;
  readonly matcher: PatternMatcher;
  /** Of each group one literal must have been seen; indices of the scanner. */
  readonly groups: readonly (readonly number[])[];
}

interface Unit {
  readonly compiled: CompiledDefinition;
  /** Its entries: from `first` to before `end`. */
  readonly first: number;
  readonly end: number;
}

export type StageEnd = 'done' | 'refused';

const UNMATCHED: RunOutcome = { kind: 'unmatched' };

/**
 * All normalizers that are applied to one tag, in their order. The tag's value is scanned once for the literals of all
 * their patterns; only patterns whose literals are all there are tried. The outcome is that of runDefinition for each.
 */
export class TagStage {
  private readonly units: Unit[] = [];
  private readonly entries: Entry[] = [];
  private readonly scanner: LiteralScanner;
  /** Bits by entry: those that no literal rules out, and those of the line at hand. */
  private readonly always: Uint32Array;
  private readonly candidates: Uint32Array;
  /** Literal → entries that may match when it is seen. */
  private readonly triggered: number[][] = [];
  /** Units by entry; those with CSV patterns have a bit of their own, which is always set. */
  private readonly unitOf: number[] = [];

  constructor(readonly tag: string, definitions: readonly CompiledDefinition[]) {
    const literals = new Map<string, number>();
    const always: number[] = [];
    for (const compiled of definitions) this.add(compiled, literals, always);
    this.scanner = new LiteralScanner([...literals.keys()], (literal) => { this.admit(literal); });
    this.always = new Uint32Array((this.unitOf.length >>> 5) + 1);
    this.candidates = new Uint32Array(this.always.length);
    for (const bit of always) setBit(this.always, bit);
  }

  /** `refused`: a callback did, and the whole chain ends. */
  run(log: LineLog, input: NormaliserInput, matched: Match[]): StageEnd {
    let value = this.scan(log);
    for (let bit = this.next(0); value !== undefined && bit >= 0;) {
      const unit = this.units[this.unitOf[bit] as number] as Unit;
      const outcome = this.apply(unit, value, log, input);
      if (outcome.kind === 'refused') return 'refused';
      if (outcome.kind === 'matched') {
        matched.push({ normalizer: unit.compiled.id, pattern: outcome.pattern });
        if (valueOf(this.tag, log) !== value) value = this.scan(log);
      }
      bit = this.next(unit.end);
    }
    return 'done';
  }

  private add(compiled: CompiledDefinition, literals: Map<string, number>, always: number[]): void {
    const first = this.unitOf.length;
    for (const pattern of compiled.patterns) {
      const matcher = new PatternMatcher(pattern, compiled.definition);
      const required = matcher.tree === undefined ? [] : chosen(requiredLiterals(matcher.tree));
      const groups = required.map((group) => group.map((literal) => indexOf(literals, literal)));
      const [trigger] = groups;
      if (trigger === undefined) always.push(this.unitOf.length);
      for (const literal of trigger ?? []) (this.triggered[literal] ??= []).push(this.unitOf.length);
      this.entries[this.unitOf.length] = { pattern, matcher, groups };
      this.unitOf.push(this.units.length);
    }
    if (compiled.csvPatterns.length > 0) {
      always.push(this.unitOf.length);
      this.unitOf.push(this.units.length);
    }
    this.units.push({ compiled, first, end: this.unitOf.length });
  }

  /** The value that the normalizers are applied to; undefined: there is none, and none of them runs. */
  private scan(log: LineLog): string | undefined {
    const value = valueOf(this.tag, log);
    if (typeof value !== 'string') return undefined;
    this.candidates.set(this.always);
    this.scanner.scan(value);
    return value;
  }

  private admit(literal: number): void {
    for (const bit of this.triggered[literal] ?? []) setBit(this.candidates, bit);
  }

  /** The first candidate from `bit` on; -1: none. */
  private next(bit: number): number {
    for (let word = bit >>> 5, low = bit & 31; word < this.candidates.length; word += 1, low = 0) {
      const bits = (this.candidates[word] as number) & (-1 << low);
      if (bits !== 0) return (word << 5) + 31 - Math.clz32(bits & -bits);
    }
    return -1;
  }

  private apply(unit: Unit, value: string, log: LineLog, input: NormaliserInput): RunOutcome {
    const { compiled } = unit;
    if (!prerequisitesHold(compiled, log)) return UNMATCHED;
    const isSearch = compiled.definition.matchType === 'search';
    let found: Entry | undefined;
    let match: RegExpExecArray | undefined;
    for (let bit = this.next(unit.first); bit >= 0 && bit < unit.end; bit = this.next(bit + 1)) {
      const entry = this.entries[bit];
      if (entry === undefined || !this.mayMatch(entry)) continue;
      const candidate = entry.matcher.exec(value, this.scanner.isAscii);
      // Found anywhere, the leftmost counts, and at one place the first by name.
      if (candidate === null || (match !== undefined && candidate.index >= match.index)) continue;
      found = entry;
      match = candidate;
      if (!isSearch) break;
    }
    if (found === undefined || match === undefined) return applyAnyCsv(compiled, value, log, input);
    return applyMatch(compiled, found.pattern, match, 1, log, input);
  }

  private mayMatch({ groups }: Entry): boolean {
    for (const group of groups) {
      let isThere = false;
      for (const literal of group) isThere ||= this.scanner.saw(literal);
      if (!isThere) return false;
    }
    return true;
  }
}

/** The most telling group first, and few besides: each costs something on every line that shows the first. */
function chosen(groups: readonly LiteralGroup[]): readonly LiteralGroup[] {
  const best = bestGroup(groups);
  if (best === undefined) return [];
  return [best, ...groups.filter((group) => group !== best && group.length <= 8).slice(0, 5)];
}

function indexOf(literals: Map<string, number>, literal: string): number {
  const known = literals.get(literal);
  if (known !== undefined) return known;
  literals.set(literal, literals.size);
  return literals.size - 1;
}

function setBit(bits: Uint32Array, bit: number): void {
  bits[bit >>> 5] = (bits[bit >>> 5] as number) | (1 << (bit & 31));
}
