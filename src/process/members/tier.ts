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

/**
 * Why a quorum can't come back by itself: members of it whose data are gone, when they are half or more. Empty
 * otherwise.
 */
export function lostForGood(
  former: TierState | undefined, wanted: readonly { readonly name: string; readonly incarnation?: string }[],
): string {
  const members = former?.members ?? {};
  const lost = wanted.filter(({ name, incarnation }) =>
    (members[name] ?? '') !== '' && incarnation !== undefined && members[name] !== incarnation).map(({ name }) => name);
  if (lost.length === 0 || lost.length * 2 < Object.keys(members).length) return '';
  return `${lost.join(', ')} of ${Object.keys(members).join(', ')} lost the data, too many to go on: restore a backup`;
}
