import { isWide, type PackedTexts, TextPacker, TextReader } from './packed-texts';
import type { Match, Normalised, NormaliserInput, Tags, TagValue } from './ports';
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

/** Packs results one by one, so that none has to be kept, and moved by the collector, until all are there. */
export class ResultPacker {
  private readonly matches = new DistinctLists<Match>();
  private readonly names = new DistinctLists<string>();
  private readonly texts = new TextPacker();
  private readonly cells: number[] = [];

  /** `line` is the text of the line that gave it. */
  add({ tags, dateMs, matched, body }: Normalised, line: string): void {
    const { cells } = this;
    const wide = isWide(line);
    const own = Object.keys(tags);
    const place = placeOf(body, line);
    cells.push(this.matches.numberOf(matched), this.names.numberOf(own), dateMs ?? Number.NaN, place);
    if (place === OWN) this.addText(body ?? '', wide);
    for (const name of own) {
      const value = tags[name] as TagValue;
      if (typeof value === 'string') this.addText(value, wide);
      else cells.push(NUMBER, value);
    }
  }

  pack(): PackedResults {
    const { matches, names, texts, cells } = this;
    return { matches: matches.all, names: names.all, texts: texts.pack(), cells: Float64Array.from(cells) };
  }

  private addText(text: string, wide: boolean): void {
    this.texts.add(text, wide);
    this.cells.push(text.length);
  }
}

/** A body is mostly the end of its line: then only the place where it begins is sent. */
function placeOf(body: string | undefined, text: string): number {
  if (body === undefined) return NONE;
  return isEndOf(body, text) ? text.length - body.length : OWN;
}

/**
 * The results of the lines, in their order. Their tags stay packed, and are made anew whenever they are read: of the
 * many lines that wait for the index none has an object for each tag meanwhile, which the collector would have to move.
 */
export function unpackResults(packed: PackedResults, inputs: readonly NormaliserInput[]): readonly Normalised[] {
  const { matches, cells } = packed;
  const reader = new TextReader(packed.texts);
  let at = 0;
  return inputs.map(({ text: line }): Normalised => {
    const wide = isWide(line);
    const matched = matches[cells[at] as number] ?? [];
    const names = packed.names[cells[at + 1] as number] ?? [];
    const date = cells[at + 2] as number;
    const place = cells[at + 3] as number;
    at += 4;
    let body = place === NONE || place === OWN ? undefined : line.slice(place);
    if (place === OWN) body = reader.next(cells[at++] as number, wide);
    const tags = new PackedTags(packed, names, at, reader.place(wide), wide);
    at = tags.skip(reader);
    return new PackedLine(tags, Number.isNaN(date) ? undefined : date, matched, body);
  });
}

class PackedLine implements Normalised {
  /** Nobody who prints or copies a result gets the other lines, too. */
  readonly #packed: PackedTags;

  constructor(
    packed: PackedTags, readonly dateMs: number | undefined, readonly matched: readonly Match[],
    readonly body: string | undefined,
  ) {
    this.#packed = packed;
  }

  get tags(): Tags {
    return this.#packed.read();
  }

  toJSON(): Normalised {
    const { tags, dateMs, matched, body } = this;
    return { tags, dateMs, matched, body };
  }
}

class PackedTags {
  constructor(
    private readonly packed: PackedResults, private readonly names: readonly string[],
    private readonly firstCell: number, private readonly firstText: number, private readonly wide: boolean,
  ) {}

  read(): Tags {
    const { names, packed: { cells, texts } } = this;
    const text = this.wide ? texts.wide : texts.latin;
    const tags: Record<string, TagValue> = {};
    let at = this.firstCell;
    let from = this.firstText;
    for (const name of names) {
      const length = cells[at++] as number;
      tags[name] = length === NUMBER ? cells[at++] as number : text.slice(from, from += length);
    }
    return tags;
  }

  /** Passes by their texts; returns the cell behind them. */
  skip(reader: TextReader): number {
    const { names, packed: { cells } } = this;
    let at = this.firstCell;
    let characters = 0;
    for (let left = names.length; left > 0; left -= 1) {
      const length = cells[at++] as number;
      if (length === NUMBER) at += 1;
      else characters += length;
    }
    reader.skip(characters, this.wide);
    return at;
  }
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
