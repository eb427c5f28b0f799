import { resolveField, type QueryField } from './fields';
import { isNumberRange, type Bound, type QueryNode } from './query-ast';
import { parseDateSpan } from './query-dates';
import { queryError, scanQuery, type Token } from './query-scanner';
import { wordsOf } from './words';

const MOST_TERMS = 256;
const DEEPEST_NESTING = 32;
const MESSAGE: QueryField = { kind: 'message' };
const LAST_LINE = 2 ** 31 - 1;

/**
 * Reads a query as people write it: words, "phrases", beginnings*, tag:value, tag:[a TO b], tag:>5, AND, OR, NOT
 * or -, parentheses. Neighbours are joined by AND. Empty text or `*` stands for everything. InputError says what
 * can't be read and where. The whole language is in docs/specs/search.md.
 */
export function parseQuery(text: string): QueryNode {
  const tokens = scanQuery(text);
  if (tokens[0]?.type === 'end') return { kind: 'all' };
  const parser = new Parser(tokens);
  const node = parser.either(MESSAGE, 0);
  parser.expectEnd();
  return node;
}

class Parser {
  private next = 0;
  private terms = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  private peek(): Token {
    return this.tokens[this.next] ?? { type: 'end', at: 1 };
  }

  private take(): Token {
    const token = this.peek();
    this.next += 1;
    return token;
  }

  expectEnd(): void {
    const token = this.peek();
    if (token.type === 'close') throw queryError('a parenthesis closes nothing', token.at);
  }

  either(field: QueryField, depth: number): QueryNode {
    const parts = [this.all(field, depth)];
    while (this.peek().type === 'or') {
      this.take();
      parts.push(this.all(field, depth));
    }
    return join('or', parts);
  }

  private all(field: QueryField, depth: number): QueryNode {
    const parts = [this.one(field, depth)];
    for (;;) {
      const token = this.peek();
      if (token.type === 'or' || token.type === 'close' || token.type === 'end') return join('and', parts);
      if (token.type === 'and') this.take();
      parts.push(this.one(field, depth));
    }
  }

  private one(field: QueryField, depth: number): QueryNode {
    const token = this.take();
    if (depth > DEEPEST_NESTING) throw queryError('it is nested too deeply', token.at);
    switch (token.type) {
      case 'not':
        return { kind: 'not', part: this.one(field, depth + 1) };
      case 'open':
        return this.group(field, token.at, depth);
      case 'field':
        return this.valueOf(resolveField(token.name), token.name, depth);
      case 'quoted':
      case 'bare':
      case 'range':
        return this.leaf(field, token);
      case 'and':
      case 'or':
        throw queryError(`${token.type.toUpperCase()} has nothing on its left`, token.at);
      case 'close':
        throw queryError('a value or a word is missing before the parenthesis', token.at);
      case 'end':
        throw queryError('a value or a word is missing', token.at);
    }
  }

  private group(field: QueryField, at: number, depth: number): QueryNode {
    const node = this.either(field, depth + 1);
    if (this.take().type !== 'close') throw queryError('a parenthesis is not closed', at);
    return node;
  }

  private valueOf(field: QueryField, name: string, depth: number): QueryNode {
    const token = this.peek();
    if (token.type === 'open' || token.type === 'quoted' || token.type === 'bare' || token.type === 'range') {
      return this.one(field, depth);
    }
    if (token.type === 'and' || token.type === 'or' || token.type === 'not') {
      // `level:NOT` and the like: after a colon these are plain values.
      this.take();
      return this.leaf(field, { type: 'bare', parts: [token.type.toUpperCase()], at: token.at });
    }
    throw queryError(`"${name}:" has no value`, token.at);
  }

  private leaf(field: QueryField, token: Extract<Token, { type: 'quoted' | 'bare' | 'range' }>): QueryNode {
    this.terms += 1;
    if (this.terms > MOST_TERMS) throw queryError(`it has more than ${String(MOST_TERMS)} terms`, token.at);
    if (token.type === 'range') return rangeNode(field, token);
    const parts = token.type === 'quoted' ? [token.text] : token.parts;
    switch (field.kind) {
      case 'message': return textNode(parts, token.at);
      case 'date': return dateNode(field.field, parts, token.at);
      case 'line': return lineNode(parts, token.at);
      case 'truncated': return { kind: 'truncated', value: parts.join('*') === 'true' };
      case 'tagNames': return { kind: 'tagExists', names: [parts.join('*')] };
      case 'exact':
        return parts.length === 1
          ? { kind: 'exact', field: field.field, value: parts[0] ?? '' }
          : { kind: 'exactPattern', field: field.field, parts };
      case 'tag':
        if (parts.length === 1) return { kind: 'tag', names: field.names, value: parts[0] ?? '' };
        return parts.every((part) => part === '')
          ? { kind: 'tagExists', names: field.names }
          : { kind: 'tagPattern', names: field.names, parts };
    }
  }
}

function join(kind: 'and' | 'or', parts: readonly QueryNode[]): QueryNode {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : { kind, parts };
}

/** Words of the text; a star only at the end, where it makes the last word a beginning. */
function textNode(parts: readonly string[], at: number): QueryNode {
  if (parts.every((part) => part === '') && parts.length > 1) return { kind: 'all' };
  const [text = '', tail] = parts;
  if (parts.length > 2 || (tail !== undefined && tail !== '')) {
    throw queryError('a * may only stand at the end of a word', at);
  }
  const words = wordsOf(text);
  if (words.length === 0) throw queryError('there is no letter or digit to look for', at);
  const starred = tail !== undefined;
  const node: QueryNode = {
    kind: 'words', words: words.map(({ word }) => word), prefix: starred && words.at(-1)?.end === text.length,
  };
  // The beginning of an IPv4 address is cut differently from the whole address.
  if (starred && /^[0-9]{1,3}(?:\.[0-9]{1,3}){1,2}\.?$/.test(text)) {
    return { kind: 'or', parts: [{ kind: 'words', words: [text], prefix: true }, node] };
  }
  return node;
}

function dateNode(field: 'date' | 'received', parts: readonly string[], at: number): QueryNode {
  if (parts.every((part) => part === '')) return { kind: 'dates', field };
  return { kind: 'dates', field, ...dateSpan(parts.join('*'), at) };
}

function dateSpan(text: string, at: number): { readonly fromMs: number; readonly toMs: number } {
  const span = parseDateSpan(text);
  if (span === undefined) throw queryError(`"${text}" is not a date like 2026-11-22 or 2026-11-22T10:30:00Z`, at);
  return span;
}

function lineNumber(text: string, at: number): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw queryError(`"${text}" is not the number of a line`, at);
  return Number(text);
}

function lineNode(parts: readonly string[], at: number): QueryNode {
  const line = lineNumber(parts.join('*'), at);
  return { kind: 'lines', from: line, to: line };
}

function rangeNode(field: QueryField, token: Extract<Token, { type: 'range' }>): QueryNode {
  const { at } = token;
  const from = boundOf(token.from, token.fromIncluded);
  const to = boundOf(token.to, token.toIncluded);
  switch (field.kind) {
    case 'date': {
      const first = from && dateSpan(from.value, at);
      const last = to && dateSpan(to.value, at);
      return {
        kind: 'dates', field: field.field,
        ...(first && { fromMs: from.included ? first.fromMs : first.toMs }),
        ...(last && { toMs: to.included ? last.toMs : last.fromMs }),
      };
    }
    case 'line':
      return {
        kind: 'lines',
        from: from === undefined ? 0 : lineNumber(from.value, at) + (from.included ? 0 : 1),
        to: to === undefined ? LAST_LINE : lineNumber(to.value, at) - (to.included ? 0 : 1),
      };
    case 'tag':
      if (from === undefined && to === undefined) return { kind: 'tagExists', names: field.names };
      if (isNumberRange(from, to) || (!isNumberLike(from) && !isNumberLike(to))) {
        return { kind: 'tagRange', names: field.names, ...(from && { from }), ...(to && { to }) };
      }
      throw queryError('one end of the range is a number and the other is not', at);
    case 'message':
    case 'exact':
    case 'tagNames':
    case 'truncated':
      throw queryError('this field has no ranges', at);
  }
}

function boundOf(value: string | undefined, included: boolean): Bound | undefined {
  return value === undefined ? undefined : { value, included };
}

function isNumberLike(bound: Bound | undefined): boolean {
  return bound !== undefined && isNumberRange(bound, undefined);
}
