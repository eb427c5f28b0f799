import { InputError } from '../errors';

/** A piece of a query's text. `at` counts characters from 1, as people do. */
export type Token =
  | { readonly type: 'open' | 'close' | 'and' | 'or' | 'not' | 'end'; readonly at: number }
  /** `name:` before a value. */
  | { readonly type: 'field'; readonly name: string; readonly at: number }
  /** Text in quotes, quotes and escapes taken away. */
  | { readonly type: 'quoted'; readonly text: string; readonly at: number }
  /** A bare word: its parts between unescaped stars (one part: no star). */
  | { readonly type: 'bare'; readonly parts: readonly string[]; readonly at: number }
  | {
    readonly type: 'range'; readonly at: number; readonly from: string | undefined; readonly fromIncluded: boolean;
    readonly to: string | undefined; readonly toIncluded: boolean;
  };

const LONGEST_QUERY = 8_192;
const FIELD = /[A-Za-z_][A-Za-z0-9_.-]*:/y;
const RANGE = /([[{])\s*("(?:[^"\\]|\\.)*"|[^\s"\]}]+)\s+TO\s+("(?:[^"\\]|\\.)*"|[^\s"\]}]+)\s*([\]}])/y;
const COMPARISON = /(>=|<=|>|<)("(?:[^"\\]|\\.)*"|[^\s()"]+)/y;

export function queryError(problem: string, at: number): InputError {
  return new InputError(`The query can't be read: ${problem} at character ${String(at)}.`, {
    remedy: 'Put text that holds : ( ) [ ] { } or * in double quotes; docs/specs/search.md shows what can be written.',
  });
}

/** Cuts a query's text into tokens; the last one is `end`. InputError with the position of what can't be read. */
export function scanQuery(text: string): Token[] {
  if (text.length > LONGEST_QUERY) throw queryError(`it is longer than ${String(LONGEST_QUERY)} characters`, LONGEST_QUERY);
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    const character = text.charAt(position);
    if (/\s/.test(character)) {
      position += 1;
      continue;
    }
    const afterField = tokens.at(-1)?.type === 'field';
    const [token, next] = scanToken(text, position, afterField);
    tokens.push(token);
    position = next;
  }
  tokens.push({ type: 'end', at: text.length + 1 });
  return tokens;
}

function scanToken(text: string, position: number, afterField: boolean): readonly [Token, number] {
  const at = position + 1;
  const character = text.charAt(position);
  if (character === '(') return [{ type: 'open', at }, position + 1];
  if (character === ')') return [{ type: 'close', at }, position + 1];
  if (character === '"') return scanQuoted(text, position);
  if (afterField) {
    const range = scanRange(text, position) ?? scanComparison(text, position);
    if (range !== undefined) return range;
    if (character === '[' || character === '{') throw queryError('a range is not of the form [a TO b]', at);
  } else {
    if ((character === '-' || character === '!') && /[^\s)]/.test(text.charAt(position + 1))) {
      return [{ type: 'not', at }, position + 1];
    }
    // All words have to be there anyway.
    if (character === '+' && /[^\s)]/.test(text.charAt(position + 1))) return scanToken(text, position + 1, false);
    const field = scanField(text, position);
    if (field !== undefined) return field;
  }
  return scanBare(text, position);
}

/** `name:`, but not the beginning of a URL (`http://`) or of an IPv6 address (`fe80::1`). */
function scanField(text: string, position: number): readonly [Token, number] | undefined {
  FIELD.lastIndex = position;
  const match = FIELD.exec(text);
  if (match === null) return undefined;
  const next = position + match[0].length;
  if (text.startsWith('//', next) || text.charAt(next) === ':') return undefined;
  if (/^(?:\s|\)|$)/.test(text.slice(next, next + 1))) {
    throw queryError(`"${match[0]}" has no value`, position + 1);
  }
  return [{ type: 'field', name: match[0].slice(0, -1), at: position + 1 }, next];
}

function scanQuoted(text: string, position: number): readonly [Token, number] {
  let content = '';
  for (let i = position + 1; i < text.length; i += 1) {
    const character = text.charAt(i);
    if (character === '"') return [{ type: 'quoted', text: content, at: position + 1 }, i + 1];
    if (character === '\\' && i + 1 < text.length) i += 1;
    content += text.charAt(i);
  }
  throw queryError('a double quote is not closed', position + 1);
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : text.replace(/\\(.)/gs, '$1');
}

function scanRange(text: string, position: number): readonly [Token, number] | undefined {
  RANGE.lastIndex = position;
  const match = RANGE.exec(text);
  if (match === null) return undefined;
  const [whole, open, from = '*', to = '*', close] = match;
  return [{
    type: 'range', at: position + 1,
    from: from === '*' ? undefined : unquote(from), fromIncluded: open === '[',
    to: to === '*' ? undefined : unquote(to), toIncluded: close === ']',
  }, position + whole.length];
}

function scanComparison(text: string, position: number): readonly [Token, number] | undefined {
  COMPARISON.lastIndex = position;
  const match = COMPARISON.exec(text);
  if (match === null) return undefined;
  const [whole, operator = '', value = ''] = match;
  const included = operator.endsWith('=');
  const bound = unquote(value);
  const upward = operator.startsWith('>');
  return [{
    type: 'range', at: position + 1,
    from: upward ? bound : undefined, fromIncluded: included, to: upward ? undefined : bound, toIncluded: included,
  }, position + whole.length];
}

function scanBare(text: string, position: number): readonly [Token, number] {
  const parts: string[] = [''];
  let escaped = false;
  let i = position;
  for (; i < text.length; i += 1) {
    const character = text.charAt(i);
    if (/[\s()"]/.test(character)) break;
    if (character === '*') {
      parts.push('');
      continue;
    }
    if (character === '\\' && i + 1 < text.length) {
      i += 1;
      escaped = true;
    }
    parts[parts.length - 1] += text.charAt(i);
  }
  const at = position + 1;
  const word = parts.length === 1 && !escaped ? parts[0] : undefined;
  if (word === 'AND' || word === '&&') return [{ type: 'and', at }, i];
  if (word === 'OR' || word === '||') return [{ type: 'or', at }, i];
  if (word === 'NOT') return [{ type: 'not', at }, i];
  return [{ type: 'bare', parts, at }, i];
}
