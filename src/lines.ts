/**
 * The one splitter of bodies into lines. The producer counts with it, the archive stores what it gives and the
 * consumer numbers with it: two splitters that differ in one corner case would shift every later line (schedule 24:
 * "a" without LF + "b" = one archived line, two acknowledged).
 *
 * A line ends at LF; the last one needs none. A line with nothing left after dropping LF and one CR is skipped.
 * All other bytes are kept as they came: any encoding, NUL and CR included.
 */
const LF = 10;
const CR = 13;

export interface SplitLines {
  /** Every kept line, ended by exactly one LF. The body itself, not a copy, when it has this form already. */
  readonly content: Buffer;
  readonly lines: number;
  /** Length of the longest kept line in bytes, its LF included; 0 without lines. */
  readonly longestBytes: number;
}

export function splitLines(body: Buffer): SplitLines {
  let lines = 0;
  let longestBytes = 0;
  let start = 0;
  /** Kept bytes before `kept` are in `copy`; made at the first skipped line only, and never more than one copy. */
  let copy: Buffer | undefined;
  let copied = 0;
  let kept = 0;
  while (start < body.length) {
    const feed = body.indexOf(LF, start);
    const end = feed === -1 ? body.length : feed;
    const next = end + 1;
    if (isSkipped(body, start, end)) {
      copy ??= Buffer.allocUnsafe(body.length + 1);
      copied += body.copy(copy, copied, kept, start);
      kept = Math.min(next, body.length);
    } else {
      lines += 1;
      if (next - start > longestBytes) longestBytes = next - start;
    }
    start = next;
  }
  const ended = kept >= body.length || body[body.length - 1] === LF;
  if (copy === undefined && ended) return { content: body, lines, longestBytes };
  copy ??= Buffer.allocUnsafe(body.length + 1);
  copied += body.copy(copy, copied, kept);
  if (!ended) copied = copy.writeUInt8(LF, copied);
  return { content: copy.subarray(0, copied), lines, longestBytes };
}

function isSkipped(body: Buffer, start: number, end: number): boolean {
  return end === start || (end === start + 1 && body[start] === CR);
}

/** Where a line of split content starts, and where it ends, its LF included. */
export interface LineSpan {
  readonly start: number;
  readonly end: number;
}

/** The lines of content that `splitLines` made, in order. */
export function* eachLine(content: Buffer): Generator<LineSpan, void, void> {
  let start = 0;
  while (start < content.length) {
    const end = content.indexOf(LF, start) + 1;
    if (end === 0) {
      yield { start, end: content.length };
      return;
    }
    yield { start, end };
    start = end;
  }
}

/** Number of LFs in a buffer, which is the number of lines of split content. */
export function countLines(content: Buffer): number {
  let lines = 0;
  for (let at = content.indexOf(LF); at !== -1; at = content.indexOf(LF, at + 1)) lines += 1;
  return lines;
}

/**
 * Cuts split content at line ends into parts of at most `maxBytes`; a line longer than that is a part of its own.
 */
export function cutAtLineEnds(content: Buffer, maxBytes: number): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  while (content.length - start > maxBytes) {
    const before = content.lastIndexOf(LF, start + maxBytes - 1);
    const feed = before >= start ? before : content.indexOf(LF, start);
    const end = feed === -1 ? content.length : feed + 1;
    parts.push(content.subarray(start, end));
    start = end;
  }
  if (start < content.length) parts.push(content.subarray(start));
  return parts;
}
