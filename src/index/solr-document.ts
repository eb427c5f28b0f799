import type { TagValue } from '../normaliser/ports';
import { readTag, storeTag } from './fields';
import type { Hit, IndexDocument } from './ports';
import { solrDate } from './solr-query';

/** What a hit is made of; the text itself stays in the archive. */
export const HIT_FIELDS =
  'id,fileID,line,source,date,received,program,host,severity,facility,s.*,d.*,n.*';

/** A document as the schema (`solr/resilog/schema.xml`) wants it. */
export function toSolrDocument(document: IndexDocument): Record<string, unknown> {
  const fields: Record<string, unknown> = {
    id: document.id,
    fileID: document.fileId,
    line: document.line,
    source: document.source,
    sourceID: document.sourceId,
    date: solrDate(document.dateMs),
    received: solrDate(document.receivedMs),
    message: document.text,
  };
  const { tags } = document;
  const names = Object.keys(tags);
  for (const name of names) {
    const value = tags[name];
    // JSON has no NaN or infinity: Solr would read null and the tag would be lost silently, so keep it as text.
    const kept = typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    if (kept === undefined) continue;
    const [field, stored] = storeTag(name, kept);
    fields[field] = stored;
  }
  if (names.length > 0) fields.tags = names;
  if (document.normalizers.length > 0) fields.normalizers = document.normalizers;
  fields.definitions = document.definitions;
  if (document.truncated) fields.truncated = true;
  return fields;
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
