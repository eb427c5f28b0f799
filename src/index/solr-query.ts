import { InputError } from '../errors';
import { resolveField, storeTag, tagFields, type TagFields } from './fields';
import type { IndexQuery } from './ports';
import { isNumberRange, numbersBeginningWith, type Bound, type QueryNode } from './query-ast';
import { parseQuery } from './query-language';

/**
 * A query in Solr's syntax. Only this file writes that syntax: what users write reaches Solr as quoted or escaped
 * values of fields that we name, so no local parameters, nested parsers or functions of theirs are ever run.
 */
export interface SolrQuery {
  readonly q: string;
  readonly fq: readonly string[];
}

export function compileQuery(query: IndexQuery): SolrQuery {
  const fq: string[] = [];
  if (query.source !== undefined) fq.push(`{!term f=source}${query.source}`);
  if (query.sourceId !== undefined) fq.push(`{!term f=sourceID}${query.sourceId}`);
  if (query.fileId !== undefined) fq.push(`{!term f=fileID}${query.fileId}`);
  if (query.fromMs !== undefined || query.toMs !== undefined) {
    fq.push(`{!cache=false}${dateRange('date', query.fromMs, query.toMs)}`);
  }
  if (query.receivedThroughMs !== undefined) {
    fq.push(`{!cache=false}${dateRange('received', undefined, query.receivedThroughMs + 1)}`);
  }
  for (const { name, value } of query.tags ?? []) {
    const field = resolveField(name);
    fq.push(compileNode({ kind: 'tag', names: field.kind === 'tag' ? field.names : [name], value }));
  }
  return { q: compileNode(parseQuery(query.text)), fq };
}

const EVERYTHING = '*:*';
const NOTHING = '(*:* -*:*)';

export function compileNode(node: QueryNode): string {
  switch (node.kind) {
    case 'all': return EVERYTHING;
    case 'words': return compileWords(node.words, node.prefix);
    case 'exact': return `${node.field}:${quote(node.value)}`;
    case 'exactPattern': return `${node.field}:${pattern(node.parts)}`;
    case 'tag': return compileTag(node.names, node.value);
    case 'tagPattern': return compileTagPattern(node.names, node.parts);
    case 'tagRange': return compileTagRange(node.names, node.from, node.to);
    case 'tagExists': return any(allFields(tagFields(node.names)).map((field) => `${field}:[* TO *]`));
    case 'dates': return dateRange(node.field, node.fromMs, node.toMs);
    case 'lines': return node.from > node.to ? NOTHING : `line:[${String(node.from)} TO ${String(node.to)}]`;
    case 'truncated': return node.value ? 'truncated:true' : `(${EVERYTHING} -truncated:true)`;
    case 'and': return `(${node.parts.map((part) => `+${compileNode(part)}`).join(' ')})`;
    case 'or': return any(node.parts.map(compileNode));
    // A clause of its own: Solr answers nothing to a nested clause that only excludes.
    case 'not': return `(${EVERYTHING} -${compileNode(node.part)})`;
  }
}

function any(clauses: readonly string[]): string {
  const [first] = clauses;
  if (first === undefined) return NOTHING;
  return clauses.length === 1 ? first : `(${clauses.join(' OR ')})`;
}

function compileWords(words: readonly string[], prefix: boolean): string {
  if (!prefix) return `message:${quote(words.join(' '))}`;
  const last = words.at(-1) ?? '';
  if (words.length === 1) return `message:${escapeTerm(last)}*`;
  const phrase = quote(`${words.join(' ')}*`);
  return `_query_:${quote(`{!complexphrase df=message inOrder=true}${phrase}`)}`;
}

function compileTag(names: readonly string[], value: string): string {
  const clauses: string[] = [];
  for (const name of names) {
    const [field, stored] = storeTag(name, value);
    clauses.push(`${field}:${quote(String(stored))}`);
    const number = Number(value);
    if (value.trim() !== '' && Number.isFinite(number)) {
      clauses.push(...tagFields([name]).numbers.map((numbers) => `${numbers}:${quote(String(number))}`));
    }
  }
  return any(clauses);
}

function compileTagPattern(names: readonly string[], parts: readonly string[]): string {
  const fields = tagFields(names);
  const clauses = fields.text.map((field) => `${field}:${pattern(parts)}`);
  const [digits = '', rest] = parts;
  if (parts.length === 2 && rest === '') {
    for (const [from, to] of numbersBeginningWith(digits)) {
      clauses.push(...[...fields.digits, ...fields.numbers].map((field) =>
        `${field}:[${String(from)} TO ${String(to)}}`));
    }
  }
  return any(clauses);
}

function compileTagRange(names: readonly string[], from: Bound | undefined, to: Bound | undefined): string {
  const fields = tagFields(names);
  const numbers = isNumberRange(from, to);
  const end = (bound: Bound | undefined): string => {
    if (bound === undefined) return '*';
    return quote(numbers ? String(Number(bound.value)) : bound.value);
  };
  const range = `${from?.included === false ? '{' : '['}${end(from)} TO ${end(to)}${to?.included === false ? '}' : ']'}`;
  return any((numbers ? [...fields.digits, ...fields.numbers] : fields.text).map((field) => `${field}:${range}`));
}

function allFields(fields: TagFields): readonly string[] {
  return [...fields.text, ...fields.digits, ...fields.numbers];
}

function dateRange(field: string, fromMs: number | undefined, toMs: number | undefined): string {
  const end = (ms: number | undefined): string => (ms === undefined ? '*' : `"${solrDate(ms)}"`);
  return `${field}:[${end(fromMs)} TO ${end(toMs)}${toMs === undefined ? ']' : '}'}`;
}

/** ms since the epoch as Solr reads and writes dates. InputError for what is no date. */
export function solrDate(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) throw new InputError(`${String(ms)} ms since the epoch is not a date.`);
  return date.toISOString();
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Escapes every character that Solr's parser could give a meaning to. */
function escapeTerm(text: string): string {
  return text.replace(/[^\p{L}\p{N}_]/gu, '\\$&');
}

function pattern(parts: readonly string[]): string {
  return parts.map(escapeTerm).join('*');
}
