import type { TagValue } from '../normaliser/ports';
import { readTag } from './fields';
import type { Hit, IndexDocument } from './ports';
import { solrDate } from './solr-query';

/** What a hit is made of; the text itself stays in the archive. */
export const HIT_FIELDS =
  'id,fileID,line,source,date,received,program,host,severity,facility,s.*,d.*,n.*';

/** A document as the schema (`solr/resilog/schema.xml`) wants it, in JSON. */
export function solrDocument(document: IndexDocument): string {
  const { found, truncated } = document;
  const core = JSON.stringify({
    id: document.id,
    fileID: document.fileId,
    line: document.line,
    source: document.source,
    sourceID: document.sourceId,
    date: solrDate(document.dateMs),
    received: solrDate(document.receivedMs),
    message: document.text,
    definitions: document.definitions,
    ...(truncated && { truncated }),
  });
  return found === '' ? core : `${core.slice(0, -1)},${found}}`;
}

export function toHit(fields: Readonly<Record<string, unknown>>): Hit {
  const tags: Record<string, TagValue> = {};
  for (const [field, value] of Object.entries(fields)) {
    const tag = readTag(field, value);
    if (tag !== undefined) tags[tag[0]] = tag[1];
  }
  return {
    id: String(fields.id),
    fileID: String(fields.fileID),
    line: Number(fields.line),
    source: textOf(fields.source),
    date: textOf(fields.date),
    received: textOf(fields.received),
    tags,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
