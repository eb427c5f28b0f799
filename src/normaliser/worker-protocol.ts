import type { DefinitionSet, Match, Normalised, NormaliserInput, Tags } from './ports';

/** What the pool asks of a worker: one request at a time, answered in order. */
export type WorkerRequest =
  | { readonly kind: 'load'; readonly set: DefinitionSet }
  | { readonly kind: 'unload'; readonly version: string }
  | { readonly kind: 'normalise'; readonly version: string; readonly inputs: PackedInputs };

export type WorkerAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'normalised'; readonly results: string }
  | { readonly kind: 'failed'; readonly message: string; readonly remedy: string | undefined };

/** Columns instead of objects: cloning many small objects between threads would cost the most of all. */
export interface PackedInputs {
  readonly texts: readonly string[];
  readonly receivedMs: Float64Array;
  /** One for all lines when they share it, as they do within a file. */
  readonly timeZones: string | readonly string[];
}

export function packInputs(inputs: readonly NormaliserInput[]): PackedInputs {
  const zone = inputs[0]?.timeZone ?? 'UTC';
  return {
    texts: inputs.map(({ text }) => text),
    receivedMs: Float64Array.from(inputs, ({ receivedMs }) => receivedMs),
    timeZones: inputs.every(({ timeZone }) => timeZone === zone) ? zone : inputs.map(({ timeZone }) => timeZone),
  };
}

export function unpackInputs({ texts, receivedMs, timeZones }: PackedInputs): readonly NormaliserInput[] {
  return texts.map((text, index) => ({
    text,
    receivedMs: receivedMs[index] ?? 0,
    timeZone: typeof timeZones === 'string' ? timeZones : timeZones[index] ?? 'UTC',
  }));
}

type PackedResult = readonly [tags: Tags, dateMs: number | null, matched: readonly Match[], body: string | null];

/** As one text: JSON is parsed faster than objects are cloned. */
export function packResults(results: readonly Normalised[]): string {
  return JSON.stringify(results.map(({ tags, dateMs, matched, body }): PackedResult => (
    [tags, dateMs ?? null, matched, body ?? null])));
}

export function unpackResults(packed: string): readonly Normalised[] {
  return (JSON.parse(packed) as readonly PackedResult[]).map(([tags, dateMs, matched, body]) => (
    { tags, dateMs: dateMs ?? undefined, matched, body: body ?? undefined }));
}
