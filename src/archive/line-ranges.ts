import type { LineRanges } from './states';

/** True when one of the ranges holds the line. */
export function containsLine(ranges: LineRanges, line: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle] ?? [0, -1];
    if (line < first) high = middle - 1;
    else if (line > last) low = middle + 1;
    else return true;
  }
  return false;
}

/** Number of lines that the ranges hold. */
export function countLines(ranges: LineRanges): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** The union of two sets of ranges: disjoint, ascending, adjoining ones merged. */
export function uniteRanges(a: LineRanges, b: LineRanges): LineRanges {
  const sorted = [...a, ...b].sort(([x], [y]) => x - y);
  const united: [number, number][] = [];
  for (const [first, last] of sorted) {
    const previous = united.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else united.push([first, last]);
  }
  return united;
}

/** Ranges of ascending or unordered line numbers; repeated numbers count once. */
export function rangesOf(lines: Iterable<number>): LineRanges {
  return uniteRanges([...lines].map((line) => [line, line] as const), []);
}
