import type { QueryField } from './fields';

export type ExactField = Extract<QueryField, { kind: 'exact' }>['field'];

/** One end of a range of texts or numbers. */
export interface Bound {
  readonly value: string;
  readonly included: boolean;
}

/** What a query says, without its spelling. Every adapter gives it the same meaning: docs/specs/search.md. */
export type QueryNode =
  | { readonly kind: 'all' }
  /** Words that follow one another in the text, in lower case; `prefix`: the last is the beginning of a word. */
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly prefix: boolean }
  | { readonly kind: 'exact'; readonly field: ExactField; readonly value: string }
  /** Texts with `*` for any characters; the parts between the stars. */
  | { readonly kind: 'exactPattern'; readonly field: ExactField; readonly parts: readonly string[] }
  | { readonly kind: 'tag'; readonly names: readonly string[]; readonly value: string }
  | { readonly kind: 'tagPattern'; readonly names: readonly string[]; readonly parts: readonly string[] }
  /** Numbers when all bounds are numbers, else texts in the order of their characters. */
  | { readonly kind: 'tagRange'; readonly names: readonly string[]; readonly from?: Bound; readonly to?: Bound }
  | { readonly kind: 'tagExists'; readonly names: readonly string[] }
  /** ms since the epoch; `fromMs` included, `toMs` excluded. */
  | { readonly kind: 'dates'; readonly field: 'date' | 'received'; readonly fromMs?: number; readonly toMs?: number }
  /** Line numbers, both included. */
  | { readonly kind: 'lines'; readonly from: number; readonly to: number }
  | { readonly kind: 'truncated'; readonly value: boolean }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly QueryNode[] }
  | { readonly kind: 'not'; readonly part: QueryNode };

/** True when all the bounds that are there are numbers, and there is one. */
export function isNumberRange(from: Bound | undefined, to: Bound | undefined): boolean {
  const values = [from, to].filter((bound) => bound !== undefined).map((bound) => bound.value.trim());
  return values.length > 0 && values.every((value) => value !== '' && Number.isFinite(Number(value)));
}

/**
 * Ranges [from, to) of the non-negative numbers whose plain form begins with these digits: 46* is 46, 460 to 469 and
 * so on, fractions included. Numbers are kept as numbers, but people look for them as they are written.
 */
export function numbersBeginningWith(digits: string): readonly (readonly [from: number, to: number])[] {
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(digits)) return [];
  if (digits === '0') return [[0, 1]];
  const first = Number(digits);
  return Array.from({ length: 16 - digits.length }, (_, zeros) =>
    [first * 10 ** zeros, (first + 1) * 10 ** zeros] as const);
}
