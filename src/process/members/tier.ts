import type { TierName } from './plan';
import type { TierState } from './state';

/** Servers that know of one another, as they are. */
export interface Tier {
  readonly name: TierName;
  /** Names of who is wanted. */
  readonly wanted: readonly string[];
  /**
   * Looks, and does the one thing that comes next, if any. Returns what was found before it: who takes part is known
   * for certain only at the next look. Rejects with what keeps it. Safe to be killed in, and to be repeated.
   */
  pass(former: TierState | undefined): Promise<TierState>;
  close(): Promise<void>;
}
