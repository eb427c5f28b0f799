import type { PackedResults } from './packed-results';
import { isWide, type PackedTexts, TextPacker, TextReader } from './packed-texts';
import type { PatternTreatment } from './pattern-control';
import type { DefinitionSet, Match, NormaliserInput } from './ports';

/** What the pool asks of a worker, answered in order. */
export type WorkerRequest =
  | { readonly kind: 'load'; readonly set: DefinitionSet }
  | { readonly kind: 'unload'; readonly version: string }
  | {
    readonly kind: 'normalise'; readonly version: string; readonly inputs: PackedInputs; readonly care: Care;
    /** Number of the first line, by which the thread tells at which one it is, of whatever request. */
    readonly firstLine: number;
  };

export type WorkerAnswer =
  | { readonly kind: 'done' }
  /** Patterns in the order of their numbers. */
  | { readonly kind: 'loaded'; readonly patterns: readonly Match[] }
  | { readonly kind: 'normalised'; readonly results: PackedResults }
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
  readonly texts: PackedTexts;
  /** Of each line; of a wide one its complement, which is negative. */
  readonly lengths: Int32Array;
  readonly receivedMs: Float64Array;
  /** One for all lines when they share it, as they do within a file. */
  readonly timeZones: string | readonly string[];
}

export function packInputs(inputs: readonly NormaliserInput[]): PackedInputs {
  const zone = inputs[0]?.timeZone ?? 'UTC';
  const packer = new TextPacker();
  // Filled one by one: `from` goes by an iterator, which takes longer than all the rest.
  const lengths = new Int32Array(inputs.length);
  const received = new Float64Array(inputs.length);
  inputs.forEach(({ text, receivedMs }, index) => {
    const wide = isWide(text);
    packer.add(text, wide);
    lengths[index] = wide ? ~text.length : text.length;
    received[index] = receivedMs;
  });
  return {
    texts: packer.pack(),
    lengths,
    receivedMs: received,
    timeZones: inputs.every(({ timeZone }) => timeZone === zone) ? zone : inputs.map(({ timeZone }) => timeZone),
  };
}

export function unpackInputs({ texts, lengths, receivedMs, timeZones }: PackedInputs): readonly NormaliserInput[] {
  const reader = new TextReader(texts);
  const inputs: NormaliserInput[] = [];
  for (let index = 0; index < lengths.length; index += 1) {
    const length = lengths[index] as number;
    inputs.push({
      text: length < 0 ? reader.next(~length, true) : reader.next(length, false),
      receivedMs: receivedMs[index] ?? 0,
      timeZone: typeof timeZones === 'string' ? timeZones : timeZones[index] ?? 'UTC',
    });
  }
  return inputs;
}
