import { linesOfRanges, normaliseRanges, rangesOfLines } from '../archive/line-ranges';
import type { FileState } from '../archive/states';
import type { FileSums } from '../index/ports';

/**
 * What the index must hold of a file: all lines but the deleted ones and those that were set aside. Count, Σ line and
 * Σ line², since one line missing and another resurrected would cancel out in a count (schedule 10).
 */
export function expectedSums(
  state: Pick<FileState, 'lines' | 'tombstones'>, setAsideLines: readonly number[],
): FileSums {
  const n = BigInt(state.lines);
  let count = state.lines;
  let lineSum = (n * (n - 1n)) / 2n;
  let lineSquareSum = ((n - 1n) * n * (2n * n - 1n)) / 6n;
  const absent = normaliseRanges([...state.tombstones, ...rangesOfLines(setAsideLines)], state.lines);
  for (const line of linesOfRanges(absent)) {
    const value = BigInt(line);
    count -= 1;
    lineSum -= value;
    lineSquareSum -= value * value;
  }
  return { count, lineSum, lineSquareSum };
}

export function sumsAgree(one: FileSums, other: FileSums): boolean {
  return one.count === other.count && one.lineSum === other.lineSum && one.lineSquareSum === other.lineSquareSum;
}
