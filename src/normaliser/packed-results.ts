import { isWide, type PackedTexts, TextPacker, TextReader } from './packed-texts';
import type { Match, NormalisedLine } from './ports';

/**
 * The results of many lines as they go between threads: texts in a row and all else in one row of numbers, for that is
 * copied many times as fast as an object a line.
 */
export interface PackedResults {
  /** The few different lists of matches, each in JSON: most of them are known from former lines. */
  readonly matches: readonly string[];
  /** The tags of all lines. */
  readonly texts: PackedTexts;
  /** For each line: index of its matches, the date (NaN: none), length of its tags (of a wide line the complement). */
  readonly cells: Float64Array;
}

const CELLS_A_LINE = 3;

/** Packs results one by one, so that none has to be kept, and moved by the collector, until all are there. */
export class ResultPacker {
  private readonly matches = new DistinctLists();
  private readonly texts = new TextPacker();
  private readonly cells: number[] = [];

  /**
   * `line` is the text of the line that gave it: tags are wide as a rule if it is, and to look at them would be to copy
   * them once more.
   */
  add({ dateMs, matched, tagMembers }: NormalisedLine, line: string): void {
    const wide = isWide(line);
    const { length } = tagMembers;
    this.cells.push(this.matches.numberOf(matched), dateMs ?? Number.NaN, wide ? ~length : length);
    this.texts.add(tagMembers, wide);
  }

  pack(): PackedResults {
    const { matches, texts, cells } = this;
    return { matches: matches.all, texts: texts.pack(), cells: Float64Array.from(cells) };
  }
}

/** The results in their order. */
export function unpackResults({ matches, texts, cells }: PackedResults): readonly NormalisedLine[] {
  const reader = new TextReader(texts);
  const lists = matches.map(matchesOf);
  const lines: NormalisedLine[] = [];
  for (let at = 0; at < cells.length; at += CELLS_A_LINE) {
    const date = cells[at + 1] as number;
    const length = cells[at + 2] as number;
    lines.push({
      dateMs: Number.isNaN(date) ? undefined : date,
      matched: lists[cells[at] as number] ?? [],
      tagMembers: length < 0 ? reader.next(~length, true) : reader.next(length, false),
    });
  }
  return lines;
}

/** By their JSON. A thousand definitions would have about as many. */
const knownMatches = new Map<string, readonly Match[]>();
const MOST_KNOWN = 4_096;

function matchesOf(json: string): readonly Match[] {
  const known = knownMatches.get(json);
  if (known !== undefined) return known;
  const matches = JSON.parse(json) as readonly Match[];
  if (knownMatches.size >= MOST_KNOWN) knownMatches.clear();
  knownMatches.set(json, matches);
  return matches;
}

/** The lists that begin with the same matches. */
interface Beginning {
  number?: number;
  readonly longer: Map<Match, Beginning>;
}

/** Numbers the different lists. Matches are told apart by identity; a chain has one object a pattern. */
class DistinctLists {
  /** In JSON, by their numbers. */
  readonly all: string[] = [];
  private readonly none: Beginning = { longer: new Map() };

  numberOf(list: readonly Match[]): number {
    let beginning = this.none;
    for (const match of list) {
      let longer = beginning.longer.get(match);
      if (longer === undefined) {
        longer = { longer: new Map() };
        beginning.longer.set(match, longer);
      }
      beginning = longer;
    }
    return beginning.number ??= this.all.push(JSON.stringify(list)) - 1;
  }
}
