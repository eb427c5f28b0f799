import type { Match } from './ports';

/** How a pattern is matched; each one is safer than the one before it. */
export const treatment = {
  /** By the regular expression, which may take for ever on a hostile text. */
  ordinary: 0,
  /** By LinearMatcher: the same match in bounded time. */
  linear: 1,
  /** Not at all, as if it did not match. */
  skipped: 2,
} as const;
export type Treatment = (typeof treatment)[keyof typeof treatment];

export interface PatternTreatment {
  /** Number of the pattern within its set. */
  readonly pattern: number;
  readonly treatment: Treatment;
}

/** Where the work on a line is; read by the watch outside the thread. */
export interface PatternProgress {
  enter(pattern: number): void;
}

const nowhere: PatternProgress = { enter: () => undefined };

/** Knows all patterns of a set by their numbers, how each is to be matched, and tells where the work is. */
export class PatternControl {
  readonly patterns: Match[] = [];
  private treatments = new Uint8Array(64);
  /** What was set last; all others are ordinary. */
  private special: readonly PatternTreatment[] = [];

  constructor(private progress: PatternProgress = nowhere) {}

  /** In the order of their numbers, from 0. */
  add(pattern: Match): void {
    this.patterns.push(pattern);
    if (this.patterns.length <= this.treatments.length) return;
    const longer = new Uint8Array(2 * this.treatments.length);
    longer.set(this.treatments);
    this.treatments = longer;
  }

  reportTo(progress: PatternProgress): void {
    this.progress = progress;
  }

  enter(pattern: number): void {
    this.progress.enter(pattern);
  }

  of(pattern: number): Treatment {
    return this.treatments[pattern] as Treatment;
  }

  /** From now on these patterns are treated so, and all others ordinarily. */
  treat(special: readonly PatternTreatment[]): void {
    for (const { pattern } of this.special) this.treatments[pattern] = treatment.ordinary;
    for (const { pattern, treatment: wanted } of special) this.treatments[pattern] = wanted;
    this.special = special;
  }
}
