import type { Normalised } from '../../../src/normaliser/ports';

/** With their tags read, to be compared. */
export function plain(results: readonly Normalised[]): readonly Normalised[] {
  return results.map(({ tags, dateMs, matched, body }) => ({ tags, dateMs, matched, body }));
}
