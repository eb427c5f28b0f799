import { type PackedResults, unpackResults } from './packed-results';
import { type PatternTreatment, treatment, type Treatment } from './pattern-control';
import { saferThan } from './pattern-offences';
import type { NormalisedLine, NormaliserInput } from './ports';
import { type Care, packInputs, type PackedInputs } from './worker-protocol';

/** What a line gets that no thread survives: it is indexed raw. */
const RAW: NormalisedLine = { dateMs: undefined, found: '' };

/**
 * Lines that go to a thread in one message, and what is known of those that threads did not survive. The lines that
 * are left are done again, from the first, with more care.
 */
export class WorkerChunk {
  private readonly special = new Map<number, readonly PatternTreatment[]>();
  /** Lines that are raw whatever is done. */
  private readonly abandoned = new Set<number>();
  /** Threads that died over it without a line to blame. */
  private unexplained = 0;
  /** All lines. */
  private packed: PackedInputs | undefined;

  constructor(
    readonly version: string,
    readonly inputs: readonly NormaliserInput[],
    private readonly resolve: (results: readonly NormalisedLine[]) => void,
    readonly reject: (error: unknown) => void,
  ) {}

  get abandonedLines(): number {
    return this.abandoned.size;
  }

  get isWorthTrying(): boolean {
    return this.abandoned.size < this.inputs.length;
  }

  /** The lines that are still worth trying, by their index in `inputs`. */
  get left(): readonly number[] {
    return this.inputs.flatMap((_, line) => (this.abandoned.has(line) ? [] : [line]));
  }

  /** Packs the lines before a thread is free for them, so that it need not wait. Idempotent. */
  prepare(): void {
    this.packed ??= packInputs(this.inputs);
  }

  /** The lines `left` as they go to a thread. */
  get packedLeft(): PackedInputs {
    if (this.abandoned.size > 0) return packInputs(this.inputsLeft);
    this.prepare();
    return this.packed as PackedInputs;
  }

  private get inputsLeft(): readonly NormaliserInput[] {
    return this.abandoned.size === 0 ? this.inputs : this.inputs.filter((_, line) => !this.abandoned.has(line));
  }

  /** For the lines `left`. */
  care(patterns: readonly PatternTreatment[]): Care {
    const lines = new Map<number, readonly PatternTreatment[]>();
    if (this.special.size === 0) return { patterns, lines };
    this.left.forEach((line, index) => {
      const special = this.special.get(line);
      if (special !== undefined) lines.set(index, special);
    });
    return { patterns, lines };
  }

  /**
   * A pattern cost a thread at the line: there it is treated with more care, or the line is given up. Returns how it
   * was treated.
   */
  blamePattern(line: number, pattern: number, suspended: readonly PatternTreatment[]): Treatment {
    const own = this.special.get(line) ?? [];
    const isIt = (candidate: PatternTreatment): boolean => candidate.pattern === pattern;
    const former = (own.find(isIt) ?? suspended.find(isIt))?.treatment ?? treatment.ordinary;
    const safer = saferThan(former);
    if (safer === undefined) this.abandoned.add(line);
    else this.special.set(line, [...own.filter((candidate) => !isIt(candidate)), { pattern, treatment: safer }]);
    return former;
  }

  /** The thread died at the line, outside of any pattern. */
  blameLine(line: number): void {
    this.abandoned.add(line);
  }

  /** The thread died outside of any line; at the second time no line is tried any more. */
  blameNothing(): void {
    this.unexplained += 1;
    if (this.unexplained > 1) this.inputs.forEach((_, line) => { this.abandoned.add(line); });
  }

  /** With what the lines `left` gave; undefined: there were none. */
  finish(found: PackedResults | undefined): void {
    try {
      this.resolve(this.withRawLines(found === undefined ? [] : unpackResults(found)));
    } catch (error) {
      this.reject(error);
    }
  }

  private withRawLines(found: readonly NormalisedLine[]): readonly NormalisedLine[] {
    if (this.abandoned.size === 0) return found;
    const results = this.inputs.map(() => RAW);
    this.left.forEach((line, index) => { results[line] = found[index] ?? RAW; });
    return results;
  }
}
