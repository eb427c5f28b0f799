import { membersOf } from '../../../src/index/line-members';
import { type PackedResults, ResultPacker } from '../../../src/normaliser/packed-results';
import type { Normalised, NormalisedLine, NormaliserInput } from '../../../src/normaliser/ports';

/** As a pool gives it. */
export function lineOf({ tags, dateMs, matched }: Pick<Normalised, 'tags' | 'dateMs' | 'matched'>): NormalisedLine {
  return { dateMs, found: membersOf(tags, matched.map(({ normalizer }) => normalizer)) };
}

/** `inputs` are the lines of the results. */
export function packResults(results: readonly NormalisedLine[], inputs: readonly NormaliserInput[]): PackedResults {
  const packer = new ResultPacker();
  results.forEach((result, index) => { packer.add(result, inputs[index]?.text ?? ''); });
  return packer.pack();
}
