/**
 * How many buckets a consumer should own: all buckets are given out, and shares differ by one at most. Consumers
 * agree without talking since each ranks the same names; while they see different sets, somebody has too few
 * for a moment, never does one bucket have two owners (the fence sees to that).
 */
export function shareOf(participants: readonly string[], name: string, buckets: number): number {
  const rank = [...participants].sort().indexOf(name);
  if (rank < 0) return 0;
  const least = Math.floor(buckets / participants.length);
  return least + (rank < buckets % participants.length ? 1 : 0);
}
