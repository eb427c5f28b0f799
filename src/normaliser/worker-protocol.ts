import type { PatternTreatment } from './pattern-control';
import type { DefinitionSet, Match, Normalised, NormaliserInput, Tags } from './ports';
import { isEndOf } from './text-end';

/** What the pool asks of a worker: one request at a time, answered in order. */
export type WorkerRequest =
  | { readonly kind: 'load'; readonly set: DefinitionSet }
  | { readonly kind: 'unload'; readonly version: string }
  | { readonly kind: 'normalise'; readonly version: string; readonly inputs: PackedInputs; readonly care: Care };

export type WorkerAnswer =
  | { readonly kind: 'done' }
  /** Patterns in the order of their numbers. */
  | { readonly kind: 'loaded'; readonly patterns: readonly Match[] }
  | { readonly kind: 'normalised'; readonly results: string }
  | { readonly kind: 'failed'; readonly message: string; readonly remedy: string | undefined };

/** How dangerous patterns are to be treated. */
export interface Care {
  /** For all lines. */
  readonly patterns: readonly PatternTreatment[];
  /** Besides, for single lines, by their index in the request. */
  readonly lines: ReadonlyMap<number, readonly PatternTreatment[]>;
}

/** What a worker thread is started with. */
export interface WorkerData {
  readonly progress: SharedArrayBuffer;
}

/** Columns instead of objects: cloning many small objects between threads would cost the most of all. */
export interface PackedInputs {
  /** All lines in one string; one is cheaper to send than many. */
  readonly text: string;
  /** Where each line ends in `text`. */
  readonly ends: Uint32Array;
  readonly receivedMs: Float64Array;
  /** One for all lines when they share it, as they do within a file. */
  readonly timeZones: string | readonly string[];
}

export function packInputs(inputs: readonly NormaliserInput[]): PackedInputs {
  const zone = inputs[0]?.timeZone ?? 'UTC';
  let end = 0;
  return {
    text: inputs.map(({ text }) => text).join(''),
    ends: Uint32Array.from(inputs, ({ text }) => (end += text.length)),
    receivedMs: Float64Array.from(inputs, ({ receivedMs }) => receivedMs),
    timeZones: inputs.every(({ timeZone }) => timeZone === zone) ? zone : inputs.map(({ timeZone }) => timeZone),
  };
}

export function unpackInputs({ text, ends, receivedMs, timeZones }: PackedInputs): readonly NormaliserInput[] {
  return Array.from(ends, (end, index) => ({
    text: text.slice(ends[index - 1] ?? 0, end),
    receivedMs: receivedMs[index] ?? 0,
    timeZone: typeof timeZones === 'string' ? timeZones : timeZones[index] ?? 'UTC',
  }));
}

/** A body is mostly the end of its line: then only the place where it begins is sent. */
type PackedBody = string | number | null;
type PackedResult = readonly [tags: Tags, dateMs: number | null, matched: number, body: PackedBody];

interface PackedResults {
  /** The few different lists of matches that the lines have. */
  readonly matches: readonly (readonly Match[])[];
  readonly rows: readonly PackedResult[];
}

/** As one text: JSON is parsed faster than objects are cloned. `inputs` are the lines of the results. */
export function packResults(results: readonly Normalised[], inputs: readonly NormaliserInput[]): string {
  const lists = new MatchLists();
  const rows = results.map(({ tags, dateMs, matched, body }, index): PackedResult => (
    [tags, dateMs ?? null, lists.numberOf(matched), packBody(body, inputs[index]?.text ?? '')]));
  const packed: PackedResults = { matches: lists.all, rows };
  return JSON.stringify(packed);
}

/** The lists that begin with the same matches. */
interface Beginning {
  number?: number;
  readonly longer: Map<Match, Beginning>;
}

/** Numbers the different lists of matches. A chain has one object a pattern, so that identity tells them apart. */
class MatchLists {
  readonly all: (readonly Match[])[] = [];
  private readonly none: Beginning = { longer: new Map() };

  numberOf(matched: readonly Match[]): number {
    let beginning = this.none;
    for (const match of matched) {
      const longer = beginning.longer.get(match) ?? { longer: new Map<Match, Beginning>() };
      beginning.longer.set(match, longer);
      beginning = longer;
    }
    return beginning.number ??= this.all.push(matched) - 1;
  }
}

function packBody(body: string | undefined, text: string): PackedBody {
  if (body === undefined) return null;
  return isEndOf(body, text) ? text.length - body.length : body;
}

export function unpackResults(packed: string, inputs: readonly NormaliserInput[]): readonly Normalised[] {
  const { matches, rows } = JSON.parse(packed) as PackedResults;
  return rows.map(([tags, dateMs, matched, body], index) => ({
    tags,
    dateMs: dateMs ?? undefined,
    matched: matches[matched] ?? [],
    body: typeof body === 'number' ? (inputs[index]?.text ?? '').slice(body) : body ?? undefined,
  }));
}
