import type { TagValue } from '../normaliser/ports';

/**
 * Names of fields in the index. Users write tags by their names; the index keeps a tag's text in `s.<name>`, its
 * number in `n.<name>`, and text that is a number in its plain form in `d.<name>` (kept as a number, so that ranges
 * work, and given back as text). Four tags of syslog have fields of their own. See docs/specs/index.md.
 */
export const TagForm = { text: 's.', number: 'n.', digits: 'd.' } as const;

/** Tags with a field of their own, and that field. The tag `source` is the host named in the line. */
const CORE_TAGS: Readonly<Record<string, string>> = {
  program: 'program', source: 'host', severity: 'severity', facility: 'facility',
};
const CORE_TAG_OF_FIELD: Readonly<Record<string, string>> =
  Object.fromEntries(Object.entries(CORE_TAGS).map(([tag, field]) => [field, tag]));

/** Longest text of a tag in UTF-16 units; the index refuses terms above 32,766 bytes. Longer ones are cut. */
const LONGEST_TAG_VALUE = 8_000;
export const LONGEST_TAG_NAME = 128;

/** Numbers in the one form that reads back to the same text, but for `-0` and zeros at the end of a fraction. */
const PLAIN_INTEGER = /^-?(?:[1-9][0-9]{0,14}|0)$/;
const PLAIN_FRACTION = /^-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,6}$/;

export function isPlainNumber(text: string): boolean {
  if (PLAIN_INTEGER.test(text)) return text !== '-0';
  return PLAIN_FRACTION.test(text) && String(Number(text)) === text;
}

/** A tag's name as part of a field's name: what is not a letter, digit, `_`, `.` or `-` becomes `$<hex>$`. */
export function encodeTagName(name: string): string {
  return name.slice(0, LONGEST_TAG_NAME)
    .replace(/[^A-Za-z0-9_.-]/gu, (character) => `$${(character.codePointAt(0) ?? 0).toString(16)}$`);
}

export function decodeTagName(encoded: string): string {
  return encoded.replace(/\$([0-9a-f]{1,6})\$/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));
}

/** The fields of one tag. */
export interface FieldsOfTag {
  readonly text: string;
  /** Undefined: text that is a number is kept as any other. */
  readonly digits: string | undefined;
  readonly number: string;
}

export function fieldsOfTag(name: string): FieldsOfTag {
  const core = Object.hasOwn(CORE_TAGS, name) ? CORE_TAGS[name] : undefined;
  const encoded = encodeTagName(name);
  return {
    text: core ?? TagForm.text + encoded,
    digits: core === undefined ? TagForm.digits + encoded : undefined,
    number: TagForm.number + encoded,
  };
}

export function cutTagValue(text: string): string {
  return text.length > LONGEST_TAG_VALUE ? text.slice(0, LONGEST_TAG_VALUE) : text;
}

/** Where a tag is kept, and in which form. */
export function storeTag(name: string, value: TagValue): readonly [field: string, value: string | number] {
  const { text, digits, number } = fieldsOfTag(name);
  if (typeof value === 'number') return [number, value];
  return digits !== undefined && isPlainNumber(value) ? [digits, Number(value)] : [text, cutTagValue(value)];
}

/** The tag that a field of a document holds; undefined when it holds none. */
export function readTag(field: string, value: unknown): readonly [name: string, value: TagValue] | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const core = Object.hasOwn(CORE_TAG_OF_FIELD, field) ? CORE_TAG_OF_FIELD[field] : undefined;
  if (core !== undefined) return [core, value];
  const name = decodeTagName(field.slice(2));
  if (field.startsWith(TagForm.text) || field.startsWith(TagForm.number)) return [name, value];
  return field.startsWith(TagForm.digits) ? [name, String(value)] : undefined;
}

/** The fields in which a tag may be, by the form of its value. */
export interface TagFields {
  readonly text: readonly string[];
  /** Text that is a number, kept as a number. */
  readonly digits: readonly string[];
  readonly numbers: readonly string[];
}

/** What a name in a query stands for. */
export type QueryField =
  | { readonly kind: 'message' }
  | { readonly kind: 'exact'; readonly field: 'id' | 'fileID' | 'source' | 'sourceID' | 'definitions' | 'normalizers' }
  | { readonly kind: 'date'; readonly field: 'date' | 'received' }
  | { readonly kind: 'line' }
  | { readonly kind: 'tagNames' }
  | { readonly kind: 'truncated' }
  /** Tag names: one, but for `host`, which is the tag `source` or a tag `host`. */
  | { readonly kind: 'tag'; readonly names: readonly string[] };

const QUERY_FIELDS: Readonly<Record<string, QueryField>> = {
  message: { kind: 'message' },
  text: { kind: 'message' },
  id: { kind: 'exact', field: 'id' },
  fileID: { kind: 'exact', field: 'fileID' },
  file: { kind: 'exact', field: 'fileID' },
  source: { kind: 'exact', field: 'source' },
  sourceID: { kind: 'exact', field: 'sourceID' },
  definitions: { kind: 'exact', field: 'definitions' },
  normalizer: { kind: 'exact', field: 'normalizers' },
  normalizers: { kind: 'exact', field: 'normalizers' },
  date: { kind: 'date', field: 'date' },
  received: { kind: 'date', field: 'received' },
  line: { kind: 'line' },
  tag: { kind: 'tagNames' },
  tags: { kind: 'tagNames' },
  truncated: { kind: 'truncated' },
  host: { kind: 'tag', names: ['source', 'host'] },
};

/** Core names first; `tag.<name>` is always the tag; every other name is a tag. */
export function resolveField(name: string): QueryField {
  if (name.startsWith('tag.') && name.length > 4) return { kind: 'tag', names: [name.slice(4)] };
  const known = Object.hasOwn(QUERY_FIELDS, name) ? QUERY_FIELDS[name] : undefined;
  return known ?? { kind: 'tag', names: [name] };
}

export function tagFields(names: readonly string[]): TagFields {
  const fields = names.map(fieldsOfTag);
  return {
    text: fields.map(({ text }) => text),
    digits: fields.flatMap(({ digits }) => digits ?? []),
    numbers: fields.map(({ number }) => number),
  };
}
