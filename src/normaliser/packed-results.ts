import { isWide, type PackedTexts, TextPacker, TextReader } from './packed-texts';
import type { NormalisedLine } from './ports';

/**
 * The results of many lines as they go between threads: texts in a row and all else in one row of numbers, for that is
 * copied many times as fast as an object a line.
 */
export interface PackedResults {
  /** What was found in the lines. */
  readonly texts: PackedTexts;
  /** For each line: the date (NaN: none) and the length of what was found (of a wide line the complement). */
  readonly cells: Float64Array;
}

const CELLS_A_LINE = 2;

/** Packs results one by one, so that none has to be kept, and moved by the collector, until all are there. */
export class ResultPacker {
  private readonly texts = new TextPacker();
  private readonly cells: number[] = [];

  /**
   * `line` is the text of the line that gave it: what was found is wide as a rule if it is, and to look at that would
   * be to copy it once more.
   */
  add({ dateMs, found }: NormalisedLine, line: string): void {
    const wide = isWide(line);
    this.cells.push(dateMs ?? Number.NaN, wide ? ~found.length : found.length);
    this.texts.add(found, wide);
  }

  pack(): PackedResults {
    return { texts: this.texts.pack(), cells: Float64Array.from(this.cells) };
  }
}

/** The results in their order. */
export function unpackResults({ texts, cells }: PackedResults): readonly NormalisedLine[] {
  const reader = new TextReader(texts);
  const lines: NormalisedLine[] = [];
  for (let at = 0; at < cells.length; at += CELLS_A_LINE) {
    const date = cells[at] as number;
    const length = cells[at + 1] as number;
    lines.push({
      dateMs: Number.isNaN(date) ? undefined : date,
      found: length < 0 ? reader.next(~length, true) : reader.next(length, false),
    });
  }
  return lines;
}
