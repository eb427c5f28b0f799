import { expect } from 'chai';
import {
  decodeRanges, encodeRanges, linesOfRanges, normaliseRanges, rangeLines, containsLine, rangesOfLines,
} from '../../../src/archive/line-ranges';
import { InputError } from '../../../src/errors';

describe('line ranges', () => {
  it('unites overlapping and adjacent ranges: deletions that overlap do not add up (schedule 44)', () => {
    const united = normaliseRanges([[5, 9], [0, 3], [2, 4], [8, 12], [20, 20]], 30);
    expect(united).to.deep.equal([[0, 12], [20, 20]]);
    expect(rangeLines(united)).to.equal(14);
  });

  it('refuses ranges outside the file', () => {
    for (const range of [[0, 10], [-1, 2], [3, 2], [0.5, 1], [Number.NaN, 1]] as const) {
      expect(() => normaliseRanges([range], 10)).to.throw(InputError);
    }
  });

  it('finds a line', () => {
    const ranges = [[0, 2], [5, 5], [9, 12]] as const;
    const held = Array.from({ length: 15 }, (_, line) => line).filter((line) => containsLine(ranges, line));
    expect(held).to.deep.equal([...linesOfRanges(ranges)]);
    expect(containsLine([], 0)).to.equal(false);
  });

  it('makes ranges of lines', () => {
    expect(rangesOfLines([7, 1, 2, 2, 3, 9])).to.deep.equal([[1, 3], [7, 7], [9, 9]]);
  });

  for (const [name, ranges, lines, kind] of [
    ['no range', [], 100, 'ranges'],
    ['a few', [[0, 5], [70, 99]], 100, 'ranges'],
    ['large numbers', [[1_000_000, 1_048_575]], 2 ** 20, 'ranges'],
    ['every second of many', Array.from({ length: 5000 }, (_, i) => [2 * i, 2 * i] as const), 10_001, 'bitmap'],
  ] as const) {
    it(`stores ${name} as ${kind}`, () => {
      const stored = encodeRanges(ranges, lines);
      expect(stored.kind).to.equal(kind);
      expect(stored.data.length).to.be.at.most(Math.ceil(lines / 8));
      expect(decodeRanges(stored)).to.deep.equal(ranges);
    });
  }
});
