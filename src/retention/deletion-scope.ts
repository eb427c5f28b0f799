import type { FileDescription } from '../archive/files';
import type { FileState, LineRanges } from '../archive/states';
import { invariant } from '../errors';
import type { IndexQuery } from '../index/ports';
import type { ExactField, QueryNode } from '../index/query-ast';
import { parseQuery } from '../index/query-language';

/** What is known of a line without reading it or asking the index. */
export interface LineFacts {
  readonly source: string;
  readonly sourceId: string;
  readonly fileId: string;
  readonly receivedMs: number;
}

/** Decides about lines from the state of their file alone. */
export interface MetadataScope {
  matches(facts: LineFacts): boolean;
  /** True when lines of one file can differ: the time of reception matters. */
  readonly byReception: boolean;
}

/**
 * The scope of a query that asks for source, file and time of reception only; undefined when it asks for anything
 * else. Such a deletion needs no index: it reaches files that are not indexed yet, were given up, or never will be.
 */
export function metadataScope(query: IndexQuery): MetadataScope | undefined {
  if (query.fromMs !== undefined || query.toMs !== undefined || (query.tags?.length ?? 0) > 0) return undefined;
  const node = parseQuery(query.text);
  if (!isMetadata(node)) return undefined;
  return {
    matches: (facts) =>
      (query.source === undefined || facts.source === query.source) &&
      (query.sourceId === undefined || facts.sourceId === query.sourceId) &&
      (query.fileId === undefined || facts.fileId === query.fileId) &&
      (query.receivedThroughMs === undefined || facts.receivedMs <= query.receivedThroughMs) &&
      evaluate(node, facts),
    byReception: query.receivedThroughMs !== undefined || usesReception(node),
  };
}

const FACT_OF_FIELD: Partial<Record<ExactField, 'source' | 'sourceId' | 'fileId'>> = {
  source: 'source', sourceID: 'sourceId', fileID: 'fileId',
};

function isMetadata(node: QueryNode): boolean {
  switch (node.kind) {
    case 'all': return true;
    case 'exact': return FACT_OF_FIELD[node.field] !== undefined;
    case 'dates': return node.field === 'received';
    case 'and':
    case 'or': return node.parts.every(isMetadata);
    case 'not': return isMetadata(node.part);
    case 'words':
    case 'exactPattern':
    case 'tag':
    case 'tagPattern':
    case 'tagRange':
    case 'tagExists':
    case 'lines':
    case 'truncated': return false;
  }
}

function usesReception(node: QueryNode): boolean {
  if (node.kind === 'dates') return true;
  if (node.kind === 'and' || node.kind === 'or') return node.parts.some(usesReception);
  return node.kind === 'not' && usesReception(node.part);
}

function evaluate(node: QueryNode, facts: LineFacts): boolean {
  if (node.kind === 'all') return true;
  if (node.kind === 'exact') return facts[FACT_OF_FIELD[node.field] ?? 'fileId'] === node.value;
  if (node.kind === 'and') return node.parts.every((part) => evaluate(part, facts));
  if (node.kind === 'or') return node.parts.some((part) => evaluate(part, facts));
  if (node.kind === 'not') return !evaluate(node.part, facts);
  invariant(node.kind === 'dates', `a ${node.kind} can't be decided from a file's state`);
  return (node.fromMs === undefined || facts.receivedMs >= node.fromMs) &&
    (node.toMs === undefined || facts.receivedMs < node.toMs);
}

/**
 * Lines of a file in the scope and received up to `throughMs`. The file's description is only asked for when its
 * lines can differ; a file that is gone has none, and no lines either.
 */
export async function linesInScope(
  scope: MetadataScope, state: FileState, throughMs: number, describe: () => Promise<FileDescription | undefined>,
): Promise<LineRanges> {
  const facts = { source: state.sourceName, sourceId: state.sourceId, fileId: state.id };
  if (!scope.byReception && state.lastReceivedMs <= throughMs) {
    const all = state.lines > 0 && scope.matches({ ...facts, receivedMs: state.lastReceivedMs });
    return all ? [[0, state.lines - 1]] : [];
  }
  const description = await describe();
  const ranges: [number, number][] = [];
  let line = 0;
  for (const block of description?.blocks ?? []) {
    line = block.firstLine;
    for (const [lines, receivedMs] of block.receptions) {
      if (lines > 0 && receivedMs <= throughMs && scope.matches({ ...facts, receivedMs })) {
        const previous = ranges.at(-1);
        if (previous?.[1] === line - 1) previous[1] = line + lines - 1;
        else ranges.push([line, line + lines - 1]);
      }
      line += lines;
    }
  }
  return ranges;
}
