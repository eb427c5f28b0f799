import type { Callback } from './callback';
import type { Definition } from './definition';

/** A tag of a pattern, ready to be set from a match. */
export interface CompiledTag {
  readonly name: string;
  /** `__` tags live only while their callbacks run. */
  readonly isPrivate: boolean;
  readonly callbacks: readonly Callback[];
}

/** One alternative of a normalizer's regular expression. */
export interface CompiledPattern {
  readonly name: string;
  /** The alternative alone, in JavaScript; its captures are the tags, from 1. */
  readonly source: string;
  /** Tags in the order of their captures; the first one is capture `firstCapture`. */
  readonly tags: readonly CompiledTag[];
  readonly firstCapture: number;
  /** The empty capture that ends the alternative: defined when this is the pattern that matched. */
  readonly marker: number;
  readonly commonTags: readonly (readonly [string, string])[];
  readonly hasCallbacks: boolean;
}

export interface CompiledCsvPattern {
  readonly name: string;
  readonly separator: string;
  readonly quote: string;
  /** Names of the columns: substitutes, and under them what no tag maps. */
  readonly columns: readonly string[];
  readonly tags: readonly (CompiledTag & { readonly column: string; readonly form: RegExp })[];
  readonly commonTags: readonly (readonly [string, string])[];
}

/** A normalizer ready to run. */
export interface CompiledDefinition {
  readonly id: string;
  readonly appliedTo: string;
  readonly definition: Definition;
  /** Undefined when all patterns are CSV. */
  readonly regexp: RegExp | undefined;
  readonly patterns: readonly CompiledPattern[];
  readonly csvPatterns: readonly CompiledCsvPattern[];
  readonly prerequisites: readonly { readonly tag: string; readonly form: RegExp }[];
  readonly commonTags: readonly (readonly [string, string])[];
  readonly taxonomy: string | undefined;
  readonly finalCallbacks: readonly Callback[];
}
