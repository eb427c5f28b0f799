import { type Callback, refuse } from './callback';
import { compileStructured, structuredVerbs } from './callbacks/structured';
import { compileDateFormat } from './date-format';

/** A callback's body in our declarative form begins with this word; Python source never does. */
const PREFIX = 'resilog:';

export function isDeclared(body: string): boolean {
  return body.trimStart().startsWith(PREFIX);
}

/** `resilog: builtin [NAME]`: the name of an implementation of ours; undefined for other declarations. */
export function builtinNameOf(body: string, callbackName: string): string | undefined {
  const [verb, argument] = headOf(body);
  return verb === 'builtin' ? argument || callbackName : undefined;
}

/**
 * Compiles a declaration: `table [TAG] [ignorecase]` followed by lines `key = value` (`* = value` for all others),
 * `date FORMAT`, `lower TAG`, `upper TAG`, `slice TAG FROM [TO]`, `keyvalues [PREFIX]`, and those for records (see
 * `compileStructured`). Throws an Error whose message
 * completes "the declaration …".
 */
export function compileDeclared(body: string): Callback {
  const [verb, argument] = headOf(body);
  const words = argument.split(/\s+/).filter((word) => word !== '');
  switch (verb) {
    case 'table': return table(words, body.trim().split('\n').slice(1));
    case 'date': return compileDateFormat(argument);
    case 'lower': return intoTag(words, (value) => value.toLowerCase());
    case 'upper': return intoTag(words, (value) => value.toUpperCase());
    case 'slice': return slice(words);
    case 'keyvalues': return keyValues(words[0] ?? '');
    default: return compileStructured(verb, argument, body.trim().split('\n').slice(1)) ?? unknownVerb(verb);
  }
}

function unknownVerb(verb: string): never {
  const known = ['builtin', 'table', 'date', 'lower', 'upper', 'slice', 'keyvalues', ...structuredVerbs];
  throw new Error(`has the unknown verb "${verb}"; known are ${known.join(', ')}`);
}

function headOf(body: string): [verb: string, argument: string] {
  const head = (body.trim().split('\n')[0] ?? '').slice(PREFIX.length).trim();
  const space = head.search(/\s/);
  return space < 0 ? [head, ''] : [head.slice(0, space), head.slice(space).trim()];
}

function intoTag(words: readonly string[], change: (value: string) => string): Callback {
  const [tag] = words;
  if (tag === undefined || words.length > 1) throw new Error('needs the name of one tag');
  return (value, log) => { log.set(tag, change(value)); };
}

/** As Python's slices: negative positions count from the end, TO is not included. */
function slice(words: readonly string[]): Callback {
  const [tag, from, to] = words;
  const valid = (position: string | undefined): boolean => position === undefined || /^-?\d{1,6}$/.test(position);
  if (tag === undefined || from === undefined || !valid(from) || !valid(to)) {
    throw new Error('needs a tag and one or two positions, as in "slice TAG 1 -1"');
  }
  return (value, log) => { log.set(tag, value.slice(Number(from), to === undefined ? undefined : Number(to))); };
}

function table(words: readonly string[], rows: readonly string[]): Callback {
  const ignoreCase = words.at(-1) === 'ignorecase';
  const [tag] = words;
  if (tag === undefined || words.length > (ignoreCase ? 2 : 1)) throw new Error('needs a tag, as in "table TAG [ignorecase]"');
  const values = new Map<string, string>();
  let other: string | undefined;
  for (const row of rows.map((line) => line.trim()).filter((line) => line !== '')) {
    const at = row.indexOf('=');
    if (at < 0) throw new Error(`has the row "${row.slice(0, 40)}" without "="`);
    const key = row.slice(0, at).trim();
    const value = row.slice(at + 1).trim();
    if (key === '*') other = value;
    else values.set(ignoreCase ? key.toLowerCase() : key, value);
  }
  if (values.size === 0 && other === undefined) throw new Error('has an empty table');
  return (value, log) => {
    const found = values.get(ignoreCase ? value.toLowerCase() : value) ?? other;
    if (found !== undefined) log.set(tag, found);
  };
}

const PAIRS_OF_VALUE = 128;

/** `key=value` and `key="quoted value"`, each into the tag `<prefix><key>` with odd characters turned into `_`. */
function keyValues(prefix: string): Callback {
  if (!/^\w*$/.test(prefix)) throw new Error('needs a prefix of letters, digits and _');
  return (value, log) => {
    let left = PAIRS_OF_VALUE;
    for (const match of value.matchAll(/([A-Za-z_][\w.-]{0,63})=("(?:[^"\\]|\\.)*"|[^\s",;]*)/g)) {
      if (left === 0) refuse('there are too many pairs');
      left -= 1;
      const raw = match[2] ?? '';
      const text = raw.startsWith('"') ? raw.slice(1, -1).replace(/\\(["\\])/g, '$1') : raw;
      if (text !== '') log.set(prefix + (match[1] ?? '').replace(/[^0-9A-Za-z]/g, '_'), text);
    }
  };
}
