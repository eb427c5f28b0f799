import { type PackedResults, ResultPacker } from '../../../src/normaliser/packed-results';
import type { Normalised, NormaliserInput } from '../../../src/normaliser/ports';

/** With their tags read, to be compared. */
export function plain(results: readonly Normalised[]): readonly Normalised[] {
  return results.map(({ tags, dateMs, matched, body }) => ({ tags, dateMs, matched, body }));
}

/** `inputs` are the lines of the results. */
export function packResults(results: readonly Normalised[], inputs: readonly NormaliserInput[]): PackedResults {
  const packer = new ResultPacker();
  results.forEach((result, index) => { packer.add(result, inputs[index]?.text ?? ''); });
  return packer.pack();
}
