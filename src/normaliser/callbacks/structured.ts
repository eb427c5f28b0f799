import type { Callback } from '../callback';
import { compileFields, type FieldReader } from './field-rows';
import { readCef, readLeef } from './event-formats';
import { readJson } from './json-fields';
import { readLogfmt } from './logfmt';
import { guessSeverity } from './severity';
import { readTimestamp } from './timestamp';
import { readXml } from './xml-fields';

/** Formats of records that a declaration can name, each with its reader. */
const READERS: ReadonlyMap<string, FieldReader> = new Map([
  ['json', readJson], ['logfmt', readLogfmt], ['cef', readCef], ['leef', readLeef], ['xml', readXml],
]);
/** Declarations without an argument. */
const PLAIN: ReadonlyMap<string, Callback> = new Map([['severity', guessSeverity], ['timestamp', readTimestamp]]);

export const structuredVerbs: readonly string[] = [...READERS.keys(), ...PLAIN.keys()];

/** `json`, `logfmt`, `cef`, `leef` or `xml` with rows; `severity`, `timestamp`. Undefined for every other verb. */
export function compileStructured(verb: string, argument: string, rows: readonly string[]): Callback | undefined {
  const reader = READERS.get(verb);
  if (reader !== undefined) return compileFields(reader, argument, rows);
  const plain = PLAIN.get(verb);
  if (plain !== undefined && argument !== '') throw new Error(`has "${argument}" behind "${verb}", which stands alone`);
  return plain;
}
