import type { DefinitionSet, Normalised, NormaliserInput } from './ports';

/** What the pool asks of a worker: one request at a time, answered in order. */
export type WorkerRequest =
  | { readonly kind: 'load'; readonly set: DefinitionSet }
  | { readonly kind: 'unload'; readonly version: string }
  | { readonly kind: 'normalise'; readonly version: string; readonly inputs: readonly NormaliserInput[] };

export type WorkerAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'normalised'; readonly results: readonly Normalised[] }
  | { readonly kind: 'failed'; readonly message: string; readonly remedy: string | undefined };
