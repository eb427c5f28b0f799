/** Tags that have a field of their own in the index under another name than the tag's. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  // PyLogsParser's `source` is the host that a line names; the document's `source` is the declared sender.
  ['source', 'host'],
]);

/** Fields of the document that are not taken from tags: a tag of such a name must not overwrite them. */
const RESERVED: ReadonlySet<string> = new Set([
  'id', 'fileID', 'line', 'source', 'sourceID', 'date', 'received', 'raw', 'message', 'body', 'text', 'tags',
  'normalizers', 'definitions', 'truncated',
]);

/**
 * The name under which the index and queries know a tag: `source` is `host`; a tag named like a field of the
 * document gets `tag_` before it; every character other than an ASCII letter, digit or `_` becomes `_`, and a name
 * may not begin with a digit or `_`. Different tags may share a field only if they differ in such characters.
 */
export function documentFieldOf(tag: string): string {
  const renamed = RENAMED.get(tag);
  if (renamed !== undefined) return renamed;
  const field = tag.replace(/[^0-9A-Za-z_]/g, '_');
  return RESERVED.has(field) || !/^[A-Za-z]/.test(field) ? `tag_${field}` : field;
}
