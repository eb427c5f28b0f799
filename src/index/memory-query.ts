import { storeTag, tagFields, resolveField, TagForm } from './fields';
import type { LineMembers } from './line-members';
import type { IndexDocument, IndexQuery } from './ports';
import { isNumberRange, numbersBeginningWith, type Bound, type QueryNode } from './query-ast';
import { parseQuery } from './query-language';
import { wordsOf } from './words';

/** A document with what was found in it read. */
export type KeptDocument = IndexDocument & LineMembers;

/** A query's meaning as a function on documents: the same answers as Solr's, for simulations and tests. */
export function matcherOf(query: IndexQuery): (document: KeptDocument) => boolean {
  const node = parseQuery(query.text);
  const tags = (query.tags ?? []).map(({ name, value }): QueryNode => {
    const field = resolveField(name);
    return { kind: 'tag', names: field.kind === 'tag' ? field.names : [name], value };
  });
  return (document) =>
    (query.source === undefined || document.source === query.source) &&
    (query.sourceId === undefined || document.sourceId === query.sourceId) &&
    (query.fileId === undefined || document.fileId === query.fileId) &&
    isWithin(document.dateMs, query.fromMs, query.toMs) &&
    (query.receivedThroughMs === undefined || document.receivedMs <= query.receivedThroughMs) &&
    tags.every((tag) => matches(tag, document)) &&
    matches(node, document);
}

function isWithin(ms: number, fromMs: number | undefined, toMs: number | undefined): boolean {
  return (fromMs === undefined || ms >= fromMs) && (toMs === undefined || ms < toMs);
}

function matches(node: QueryNode, document: KeptDocument): boolean {
  switch (node.kind) {
    case 'all': return true;
    case 'words': return hasWords(document.text, node.words, node.prefix);
    case 'exact': return exactValues(document, node.field).includes(node.value);
    case 'exactPattern': {
      const { parts } = node;
      return exactValues(document, node.field).some((value) => matchesPattern(value, parts));
    }
    case 'tag': return hasTag(document, node.names, node.value);
    case 'tagPattern': return hasTagPattern(document, node.names, node.parts);
    case 'tagRange': return hasTagInRange(document, node.names, node.from, node.to);
    case 'tagExists': return node.names.some((name) => Object.hasOwn(document.tags, name));
    case 'dates':
      return isWithin(node.field === 'date' ? document.dateMs : document.receivedMs, node.fromMs, node.toMs);
    case 'lines': return document.line >= node.from && document.line <= node.to;
    case 'truncated': return document.truncated === node.value;
    case 'and': return node.parts.every((part) => matches(part, document));
    case 'or': return node.parts.some((part) => matches(part, document));
    case 'not': return !matches(node.part, document);
  }
}

function hasWords(text: string, words: readonly string[], prefix: boolean): boolean {
  const found = wordsOf(text).map(({ word }) => word);
  const fits = (at: number): boolean => words.every((word, i) => {
    const candidate = found[at + i];
    return prefix && i === words.length - 1 ? candidate?.startsWith(word) === true : candidate === word;
  });
  return found.some((_, at) => fits(at));
}

function exactValues(document: KeptDocument, field: string): readonly string[] {
  switch (field) {
    case 'id': return [document.id];
    case 'fileID': return [document.fileId];
    case 'source': return [document.source];
    case 'sourceID': return [document.sourceId];
    case 'definitions': return [document.definitions];
    default: return document.normalizers;
  }
}

function matchesPattern(value: string, parts: readonly string[]): boolean {
  const escaped = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`, 's').test(value);
}

/** Fields and values of these tags as the index keeps them. */
function stored(document: KeptDocument, names: readonly string[]): (readonly [string, string | number])[] {
  return names.flatMap((name) => {
    const value = Object.hasOwn(document.tags, name) ? document.tags[name] : undefined;
    return value === undefined ? [] : [storeTag(name, value)];
  });
}

function hasTag(document: KeptDocument, names: readonly string[], value: string): boolean {
  return names.some((name) => stored(document, [name]).some(([field, kept]) => {
    if (field.startsWith(TagForm.number)) return value.trim() !== '' && kept === Number(value);
    const [wantedField, wanted] = storeTag(name, value);
    return field === wantedField && kept === wanted;
  }));
}

function hasTagPattern(document: KeptDocument, names: readonly string[], parts: readonly string[]): boolean {
  const [digits = '', rest] = parts;
  const ranges = parts.length === 2 && rest === '' ? numbersBeginningWith(digits) : [];
  return stored(document, names).some(([, kept]) => (typeof kept === 'number'
    ? ranges.some(([from, to]) => kept >= from && kept < to)
    : matchesPattern(kept, parts)));
}

function hasTagInRange(
  document: KeptDocument, names: readonly string[], from: Bound | undefined, to: Bound | undefined,
): boolean {
  const numbers = isNumberRange(from, to);
  const text = new Set(tagFields(names).text);
  return stored(document, names).some(([field, kept]) => {
    if (numbers !== (typeof kept === 'number') || (!numbers && !text.has(field))) return false;
    const compare = (bound: Bound): number => (numbers
      ? Number(kept) - Number(bound.value)
      : Buffer.compare(Buffer.from(String(kept)), Buffer.from(bound.value)));
    return (from === undefined || (from.included ? compare(from) >= 0 : compare(from) > 0)) &&
      (to === undefined || (to.included ? compare(to) <= 0 : compare(to) < 0));
  });
}
