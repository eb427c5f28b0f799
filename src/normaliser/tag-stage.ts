import type { CompiledDefinition, CompiledPattern } from './compiled-definition';
import { applyAnyCsv, applyMatch, prerequisitesHold, type RunOutcome, valueOf } from './definition-runner';
import type { LineLog } from './line-log';
import type { PatternMatch } from './linear-matcher';
import { PatternMatcher } from './pattern-matcher';
import { type PatternControl, treatment } from './pattern-control';
import { NoFilter, type PatternFilter } from './pattern-filter';
import type { Match, NormaliserInput } from './ports';
import type { FilteredPattern, Prefilter } from './prefilter';

interface Entry {
  readonly pattern: CompiledPattern;
  readonly matcher: PatternMatcher;
}

/** A normalizer; its patterns have the prefilter's numbers from `first` to before `end`. */
interface Unit {
  readonly compiled: CompiledDefinition;
  readonly first: number;
  readonly end: number;
  /** By name of the pattern, so that each has one object for all lines. */
  readonly matches: Map<string, Match>;
}

const UNMATCHED: RunOutcome = { kind: 'unmatched' };
/** So few patterns are tried faster than a text is looked at. */
const FEW_PATTERNS = 4;

/**
 * All normalizers that are applied to one tag, in their order. Only patterns that the prefilter admits for the tag's
 * value are tried; the outcome is that of runDefinition for each normalizer in turn.
 */
export class TagStage {
  private readonly first: number;
  private readonly end: number;
  /** By number of pattern − first. CSV patterns share one number, the normalizer's last, and have no entry. */
  private readonly entries: (Entry | undefined)[] = [];
  private readonly units: Unit[] = [];
  private readonly filter: PatternFilter;

  constructor(
    private readonly tag: string, definitions: readonly CompiledDefinition[], prefilter: Prefilter,
    private readonly control: PatternControl,
  ) {
    const firsts = definitions.map((compiled) => this.add(compiled, prefilter));
    this.first = firsts[0] ?? 0;
    this.end = this.first + this.units.length;
    this.filter = this.units.length > FEW_PATTERNS ? prefilter : new NoFilter();
  }

  /** `refused`: a callback did, and the whole chain ends. */
  run(log: LineLog, input: NormaliserInput, matched: Match[]): 'done' | 'refused' {
    let value = this.look(log);
    if (value === undefined) return 'done';
    const { filter, first } = this;
    for (let next = filter.next(first); next < this.end;) {
      const unit = this.units[next - first] as Unit;
      const outcome = this.apply(unit, next, value, log, input);
      if (outcome.kind === 'refused') return 'refused';
      if (outcome.kind === 'matched') {
        matched.push(matchOf(unit, outcome.pattern));
        if (outcome.isLast) return 'refused';
        value = this.look(log);
        if (value === undefined) return 'done';
      }
      next = filter.next(unit.end);
    }
    return 'done';
  }

  /** Numbers the patterns of a normalizer; returns the first number. */
  private add(compiled: CompiledDefinition, prefilter: Prefilter): number {
    const entries: (Entry | undefined)[] = compiled.patterns.map((pattern) => (
      { pattern, matcher: new PatternMatcher(pattern, compiled.definition) }));
    if (compiled.csvPatterns.length > 0) entries.push(undefined);
    const numbers = entries.map((entry) => (
      prefilter.add(entry === undefined ? separatorsOf(compiled) : entry.matcher.filtered)));
    const first = numbers[0] ?? 0;
    const unit: Unit = { compiled, first, end: first + entries.length, matches: new Map() };
    for (const entry of entries) {
      this.control.add({ normalizer: compiled.id, pattern: entry?.pattern.name ?? 'CSV' });
      this.entries.push(entry);
      this.units.push(unit);
    }
    return first;
  }

  /** The value that the normalizers are applied to; undefined: there is none, and none of them runs. */
  private look(log: LineLog): string | undefined {
    const value = valueOf(this.tag, log);
    if (typeof value !== 'string') return undefined;
    this.filter.look(value, this.first, this.end);
    return value;
  }

  /** `candidate` is the normalizer's first pattern that may match. */
  private apply(unit: Unit, candidate: number, value: string, log: LineLog, input: NormaliserInput): RunOutcome {
    const { filter, control } = this;
    const { compiled } = unit;
    control.enter(candidate);
    if (!prerequisitesHold(compiled, log)) return UNMATCHED;
    const isSearch = compiled.definition.matchType === 'search';
    let found: CompiledPattern | undefined;
    let match: PatternMatch | undefined;
    for (let number = candidate; number < unit.end; number = filter.next(number + 1)) {
      const entry = this.entries[number - this.first];
      if (entry === undefined || !filter.mayMatch(number)) continue;
      control.enter(number);
      const tried = this.match(entry, number, value);
      // Found anywhere, the leftmost counts, and at one place the first by name.
      if (tried === null || (match !== undefined && tried.index >= match.index)) continue;
      found = entry.pattern;
      match = tried;
      if (!isSearch) break;
    }
    if (found !== undefined && match !== undefined) return applyMatch(compiled, found, match, 1, log, input);
    if (compiled.csvPatterns.length === 0 || control.of(unit.end - 1) === treatment.skipped) return UNMATCHED;
    control.enter(unit.end - 1);
    return applyAnyCsv(compiled, value, log, input);
  }

  private match(entry: Entry, number: number, value: string): PatternMatch | null {
    switch (this.control.of(number)) {
      case treatment.ordinary: return entry.matcher.exec(value, this.filter.isAscii);
      case treatment.linear: return entry.matcher.execLinear(value);
      case treatment.skipped: return null;
    }
  }
}

function matchOf({ compiled, matches }: Unit, pattern: string): Match {
  const known = matches.get(pattern);
  if (known !== undefined) return known;
  const match = { normalizer: compiled.id, pattern };
  matches.set(pattern, match);
  return match;
}

/** A line of one field has no separator. */
function separatorsOf({ csvPatterns }: CompiledDefinition): FilteredPattern | undefined {
  if (csvPatterns.some(({ columns }) => columns.length < 2)) return undefined;
  return { separators: [...new Set(csvPatterns.map(({ separator }) => separator))] };
}
