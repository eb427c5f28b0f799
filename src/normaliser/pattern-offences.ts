import { type PatternTreatment, treatment, type Treatment } from './pattern-control';
import type { Match } from './ports';

/** What a pattern did that cost a thread. */
export interface PatternOffence extends Match {
  readonly version: string;
  readonly offences: number;
  /** From now on it is matched so for every line. */
  readonly treatment: Treatment;
}

/** Patterns of which something is remembered, over all sets; the oldest are forgotten first. */
const KEPT_PATTERNS = 4_096;

interface Kept extends PatternOffence {
  readonly number: number;
  /** Offences although it was matched in linear time: by its callbacks, that is. */
  readonly linearOffences: number;
}

/**
 * Counts what each pattern cost, and decides how it is matched: after `offencesUntilSuspended` in linear time, and
 * after as many in spite of that not at all.
 */
export class PatternOffences {
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly offencesUntilSuspended: number) {}

  /** One more offence of the pattern with that number in that set, which was matched so. */
  add(version: string, number: number, { normalizer, pattern }: Match, matched: Treatment): PatternOffence {
    const key = `${version} ${number}`;
    const former = this.kept.get(key);
    const offences = (former?.offences ?? 0) + 1;
    const linearOffences = (former?.linearOffences ?? 0) + (matched === treatment.ordinary ? 0 : 1);
    const offence: Kept = {
      version, number, normalizer, pattern, offences, linearOffences,
      treatment: linearOffences >= this.offencesUntilSuspended ? treatment.skipped
        : offences >= this.offencesUntilSuspended ? treatment.linear : treatment.ordinary,
    };
    this.kept.delete(key);
    this.kept.set(key, offence);
    const [oldest] = this.kept.keys();
    if (oldest !== undefined && this.kept.size > KEPT_PATTERNS) this.kept.delete(oldest);
    return offence;
  }

  /** How the suspended patterns of a set are to be treated. */
  suspended(version: string): readonly PatternTreatment[] {
    return [...this.kept.values()]
      .filter((offence) => offence.version === version && offence.treatment !== treatment.ordinary)
      .map((offence) => ({ pattern: offence.number, treatment: offence.treatment }));
  }

  all(): readonly PatternOffence[] {
    return [...this.kept.values()];
  }
}

/** The next safer treatment of a pattern for a line; undefined: there is none. */
export function saferThan(former: Treatment): Treatment | undefined {
  if (former === treatment.skipped) return undefined;
  return former === treatment.ordinary ? treatment.linear : treatment.skipped;
}
