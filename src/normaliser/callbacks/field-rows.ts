import { type Callback, CallbackRefusal, mismatch, type WorkingLog } from '../callback';
import { compileDateFormat } from '../date-format';
import type { NormaliserInput } from '../ports';
import { readSeverity } from './severity';
import { readTimestamp } from './timestamp';

/**
 * Reads a record: calls `found` for each field, its path and its text, in their order. False when the text is none of
 * its form. Never throws; bounded by the length of the text.
 */
export type FieldReader = (text: string, found: (path: string, value: string) => void) => boolean;

/** Bounds of what one record gives: further fields, and the rest of a longer value, stay in the line only. */
const FIELDS_OF_RECORD = 256;
/** Tags of fields without a row: what a line may add to the names that the index knows. */
const UNLISTED_OF_RECORD = 64;
const VALUE_CHARACTERS = 8_192;
const NAME_CHARACTERS = 64;

interface Target {
  readonly tag: string;
  /** Sets the tag itself; refuses what it cannot read. */
  readonly convert: Callback | undefined;
}

/**
 * A callback that turns the fields of a record into tags. `argument` is the prefix of tags for fields without a row,
 * which are left out when it is empty; `rows` are `PATH = TAG` or `PATH = TAG | CONVERSION`, conversions being
 * `timestamp`, `severity`, `date FORMAT`, `lower`, `upper` and `trim`. Throws an Error that completes "the
 * declaration …".
 */
export function compileFields(read: FieldReader, argument: string, rows: readonly string[]): Callback {
  if (!/^(?:[A-Za-z]\w{0,31})?$/.test(argument)) throw new Error('needs a prefix of letters, digits and _, or none');
  const targets = new Map(rows.map((row) => row.trim()).filter((row) => row !== '').map(parseRow));
  return (value, log, input) => {
    const fields: (readonly [string, string])[] = [];
    const whole = read(value, (path, text) => {
      // A dash stands for what is absent in all of these formats.
      if (fields.length >= FIELDS_OF_RECORD || text === '' || text === '-') return;
      fields.push([path, text.slice(0, VALUE_CHARACTERS)]);
    });
    if (!whole) mismatch('the value is of another form');
    let unlisted = argument === '' ? 0 : UNLISTED_OF_RECORD;
    for (const [path, text] of fields) {
      const target = targets.get(path);
      if (target !== undefined && convert(target, text, log, input)) continue;
      const name = tagNameOf(path);
      if (unlisted === 0 || name === '') continue;
      unlisted -= 1;
      log.set(argument + name, text);
    }
  };
}

/** False when the conversion refuses: the value then is kept like that of a field without a row. */
function convert(target: Target, text: string, log: WorkingLog, input: NormaliserInput): boolean {
  if (target.convert === undefined) {
    log.set(target.tag, text);
    return true;
  }
  try {
    target.convert(text, log, input);
    return true;
  } catch (error) {
    if (error instanceof CallbackRefusal) return false;
    throw error;
  }
}

const KEPT_NAMES = 4_096;
const names = new Map<string, string>();

/** Every character of a path but ASCII letters and digits becomes `_`. */
function tagNameOf(path: string): string {
  const known = names.get(path);
  if (known !== undefined) return known;
  const name = path.replace(/[^0-9A-Za-z]+/g, '_').replace(/^_/, '').slice(0, NAME_CHARACTERS);
  // Records of one program have the same paths again and again; a path may be as long as a line.
  if (path.length <= 2 * NAME_CHARACTERS) {
    if (names.size >= KEPT_NAMES) names.clear();
    names.set(path, name);
  }
  return name;
}

function parseRow(row: string): [path: string, target: Target] {
  const found = /^(\S(?:[^=]*\S)?) *= *([A-Za-z]\w*)(?: *\| *(\S.*))?$/.exec(row);
  const [, path, tag, conversion] = found ?? [];
  if (path === undefined || tag === undefined) throw new Error(`has the row "${row.slice(0, 60)}", which is not PATH = TAG`);
  if (tag === 'raw') throw new Error('sets the tag "raw", which is the line itself');
  return [path, { tag, convert: conversion === undefined ? plain(tag) : conversionOf(tag, conversion.trim()) }];
}

function plain(tag: string): undefined {
  if (tag === 'date') throw new Error('needs a conversion for the tag "date", as in "time = date | timestamp"');
  return undefined;
}

function conversionOf(tag: string, text: string): Callback {
  const [verb = '', ...words] = text.split(' ');
  const only = (name: string, callback: Callback): Callback => {
    if (tag !== name) throw new Error(`has "${verb}" for the tag "${tag}"; it sets the tag "${name}"`);
    return callback;
  };
  switch (verb) {
    case 'timestamp': return only('date', readTimestamp);
    case 'severity': return only('severity', readSeverity);
    case 'date': return only('date', compileDateFormat(words.join(' ')));
    case 'lower': return (value, log) => { log.set(tag, value.toLowerCase()); };
    case 'upper': return (value, log) => { log.set(tag, value.toUpperCase()); };
    case 'trim': return (value, log) => { log.set(tag, value.trim()); };
    default: throw new Error(`has the unknown conversion "${verb}"; known are timestamp, severity, date, lower, upper, trim`);
  }
}
