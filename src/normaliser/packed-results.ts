import { isWide, type PackedTexts, TextPacker, TextReader } from './packed-texts';
import type { Match, Normalised, NormaliserInput, TagValue } from './ports';
import { isEndOf } from './text-end';

/**
 * The results of many lines as they go between threads: texts in a row and all else in one row of numbers, for that is
 * copied many times as fast as an object a line, and read several times as fast as JSON.
 */
export interface PackedResults {
  /** The few different lists of matches that the lines have. */
  readonly matches: readonly (readonly Match[])[];
  /** The few different lists of names of tags. */
  readonly names: readonly (readonly string[])[];
  /** The values that are text and the bodies that are not the end of their line, wide if the line is. */
  readonly texts: PackedTexts;
  /**
   * For each line: index of its matches, index of its names, the date (NaN: none), the body (its place in the line, or
   * OWN and its length, or NONE), and a cell a tag: the length of its text, or NUMBER and then the value.
   */
  readonly cells: Float64Array;
}

const NONE = -1;
const OWN = -2;
const NUMBER = -1;

/** `inputs` are the lines of the results. */
export function packResults(results: readonly Normalised[], inputs: readonly NormaliserInput[]): PackedResults {
  const matches = new DistinctLists<Match>();
  const names = new DistinctLists<string>();
  const packer = new TextPacker();
  const cells: number[] = [];
  results.forEach(({ tags, dateMs, matched, body }, index) => {
    const line = inputs[index]?.text ?? '';
    const wide = isWide(line);
    const addText = (text: string): void => {
      packer.add(text, wide);
      cells.push(text.length);
    };
    const own = Object.keys(tags);
    const place = placeOf(body, line);
    cells.push(matches.numberOf(matched), names.numberOf(own), dateMs ?? Number.NaN, place);
    if (place === OWN) addText(body ?? '');
    for (const name of own) {
      const value = tags[name] as TagValue;
      if (typeof value === 'string') addText(value);
      else cells.push(NUMBER, value);
    }
  });
  return { matches: matches.all, names: names.all, texts: packer.pack(), cells: Float64Array.from(cells) };
}

/** A body is mostly the end of its line: then only the place where it begins is sent. */
function placeOf(body: string | undefined, text: string): number {
  if (body === undefined) return NONE;
  return isEndOf(body, text) ? text.length - body.length : OWN;
}

export function unpackResults(
  { matches, names, texts, cells }: PackedResults, inputs: readonly NormaliserInput[],
): readonly Normalised[] {
  const reader = new TextReader(texts);
  let at = 0;
  const cell = (): number => cells[at++] as number;
  return inputs.map(({ text: line }): Normalised => {
    const wide = isWide(line);
    const matched = matches[cell()] ?? [];
    const own = names[cell()] ?? [];
    const date = cell();
    const place = cell();
    const body = place === NONE ? undefined : place === OWN ? reader.next(cell(), wide) : line.slice(place);
    const tags: Record<string, TagValue> = {};
    for (const name of own) {
      const length = cell();
      tags[name] = length === NUMBER ? cell() : reader.next(length, wide);
    }
    return { tags, dateMs: Number.isNaN(date) ? undefined : date, matched, body };
  });
}

/** The lists that begin with the same items. */
interface Beginning<T> {
  number?: number;
  readonly longer: Map<T, Beginning<T>>;
}

/** Numbers the different lists. Items are told apart by identity; a chain has one object a pattern. */
class DistinctLists<T> {
  readonly all: (readonly T[])[] = [];
  private readonly none: Beginning<T> = { longer: new Map() };

  numberOf(list: readonly T[]): number {
    let beginning = this.none;
    for (const item of list) {
      let longer = beginning.longer.get(item);
      if (longer === undefined) {
        longer = { longer: new Map() };
        beginning.longer.set(item, longer);
      }
      beginning = longer;
    }
    return beginning.number ??= this.all.push(list) - 1;
  }
}
