import type { DefinitionPlace } from './definition-error';

/** A definition as it is written, before anything is compiled. Names follow the XML elements. */
export interface Definition {
  readonly name: string;
  /** As Python prints the float: `1.0`, `0.99`. */
  readonly version: string;
  /** `<name>-<version>`. */
  readonly id: string;
  /** The tag whose value the patterns are tried on: `raw`, `body` or any other. */
  readonly appliedTo: string;
  readonly unicode: boolean;
  readonly ignoreCase: boolean;
  readonly matchType: 'match' | 'search';
  readonly expandWhitespaces: boolean;
  readonly taxonomy: string | undefined;
  readonly tagTypes: ReadonlyMap<string, TagTypeDefinition>;
  readonly callbacks: ReadonlyMap<string, CallbackDefinition>;
  readonly prerequisites: readonly PrerequisiteDefinition[];
  readonly patterns: readonly PatternDefinition[];
  readonly commonTags: readonly (readonly [string, string])[];
  readonly finalCallbacks: readonly CallbackUse[];
  readonly place: DefinitionPlace;
}

export interface TagTypeDefinition {
  readonly name: string;
  /** A regular expression in Python's syntax. */
  readonly regexp: string;
  readonly place: DefinitionPlace;
}

export interface CallbackDefinition {
  readonly name: string;
  /** Python source, which is never executed, or a declaration of ours that starts with `resilog:`. */
  readonly body: string;
  readonly place: DefinitionPlace;
}

export interface CallbackUse {
  readonly name: string;
  readonly place: DefinitionPlace;
}

export interface PrerequisiteDefinition {
  readonly tag: string;
  readonly regexp: string;
  readonly place: DefinitionPlace;
}

export interface PatternDefinition {
  readonly name: string;
  readonly text: string;
  /** Undefined: `text` is a regular expression with substitutes. */
  readonly csv: { readonly separator: string; readonly quote: string } | undefined;
  readonly tags: readonly TagDefinition[];
  readonly commonTags: readonly (readonly [string, string])[];
  readonly examples: readonly ExampleDefinition[];
  readonly place: DefinitionPlace;
}

export interface TagDefinition {
  readonly name: string;
  readonly tagType: string;
  readonly substitute: string;
  readonly callbacks: readonly CallbackUse[];
  readonly place: DefinitionPlace;
}

export interface ExampleDefinition {
  readonly text: string;
  readonly expectedTags: readonly (readonly [string, string])[];
  readonly place: DefinitionPlace;
}

/** What one file holds: a normalizer, or one of the two kinds of common files. */
export type DefinitionContent =
  | { readonly kind: 'normalizer'; readonly definition: Definition }
  | { readonly kind: 'tagTypes'; readonly tagTypes: readonly TagTypeDefinition[] }
  | { readonly kind: 'callbacks'; readonly callbacks: readonly CallbackDefinition[] };
