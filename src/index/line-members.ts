import type { Tags, TagValue } from '../normaliser/ports';
import { cutTagValue, fieldsOfTag, isPlainNumber, LONGEST_TAG_NAME, readTag } from './fields';

export interface LineMembers {
  readonly tags: Tags;
  /** Those that matched, as `<name>-<version>`. */
  readonly normalizers: readonly string[];
}

/** What members of JSON objects begin with. */
interface Keys {
  /** The name of the tag itself. */
  readonly name: string;
  readonly text: string;
  readonly digits: string | undefined;
  readonly number: string;
}

/** By the name of a tag. Lines may name tags themselves, so that there is no end of names. */
const keysByName = new Map<string, Keys>();
const MOST_NAMES = 4_096;
/** Only JSON's own way is right for these. */
const SPECIAL = /["\\\0-\x1f\ud800-\udfff]/;

/**
 * What was found in a line, as it stands in the index's document: members of a JSON object without its braces; empty
 * when no normalizer matched. `tags` has the names of all tags. Of names that the index can't tell apart only the first
 * has a member. Written piece by piece, which takes a third of the time of an object that is made to be written.
 */
export function membersOf(tags: Tags, normalizers: readonly string[]): string {
  const cutNames = new Set<string>();
  let names = '';
  let members = '';
  for (const name of Object.keys(tags)) {
    if (name.length >= LONGEST_TAG_NAME && !isNew(name, cutNames)) continue;
    const keys = keysOf(name);
    names += names === '' ? keys.name : `,${keys.name}`;
    members += memberOf(keys, tags[name] as TagValue);
  }
  const whose = normalizers.length === 0 ? '' : `"normalizers":[${normalizers.map(quote).join(',')}]`;
  if (names === '') return whose;
  return `${whose}${whose === '' ? '' : ','}"tags":[${names}]${members}`;
}

/** Two members of one name would be refused. */
function isNew(name: string, cutNames: Set<string>): boolean {
  const { size } = cutNames;
  return cutNames.add(name.slice(0, LONGEST_TAG_NAME)).size > size;
}

function memberOf({ text, digits, number }: Keys, value: TagValue): string {
  // JSON has no NaN or infinity: Solr would read null and the tag would be lost silently, so keep it as text.
  if (typeof value === 'number') return Number.isFinite(value) ? number + String(value) : text + quote(String(value));
  return digits !== undefined && isPlainNumber(value) ? digits + value : text + quote(cutTagValue(value));
}

function keysOf(name: string): Keys {
  const known = keysByName.get(name);
  if (known !== undefined) return known;
  const { text, digits, number } = fieldsOfTag(name);
  const keys = {
    name: JSON.stringify(name), text: `,"${text}":`, digits: digits === undefined ? undefined : `,"${digits}":`,
    number: `,"${number}":`,
  };
  if (name.length > LONGEST_TAG_NAME) return keys;
  if (keysByName.size >= MOST_NAMES) keysByName.clear();
  keysByName.set(name, keys);
  return keys;
}

function quote(text: string): string {
  return SPECIAL.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** What `membersOf` wrote, cut as the index cuts it. */
export function readMembers(members: string): LineMembers {
  const { normalizers, ...fields } = JSON.parse(`{${members}}`) as Readonly<Record<string, unknown>>;
  const tags: Record<string, TagValue> = {};
  for (const [field, value] of Object.entries(fields)) {
    const tag = readTag(field, value);
    if (tag !== undefined) tags[tag[0]] = tag[1];
  }
  return { tags, normalizers: Array.isArray(normalizers) ? normalizers.map(String) : [] };
}
