import { CorruptionError } from '../errors';
import { faultOf, sha256Hex } from './block-format';
import type { Block, Frame, Segment, SegmentSource, StoredBlock } from './journal';
import type { JournalDocument } from './mongodb-schema';
import { VarintReader, VarintWriter } from './varint';

/**
 * A block as a document. Segments and frames go into one compact table, since a block may hold lines of thousands of
 * sources: varints; numbers of frames, files and segments first; offsets follow from the order.
 */
export function toDocument(block: Block): JournalDocument {
  const sources: SegmentSource[] = [];
  const sourceIndex = new Map<string, number>();
  /** By object: most lines of a source come with the same one. */
  const knownSources = new Map<SegmentSource, number>();
  const files: string[] = [];
  const fileIndex = new Map<string, number>();
  const writer = new VarintWriter();
  for (const { source, fileId } of block.segments) {
    if (!knownSources.has(source)) {
      const key = JSON.stringify([source.id, source.name, source.indexed, source.timeZone]);
      if (!sourceIndex.has(key)) sourceIndex.set(key, sources.push(source) - 1);
      knownSources.set(source, sourceIndex.get(key) ?? 0);
    }
    if (!fileIndex.has(fileId)) fileIndex.set(fileId, files.push(fileId) - 1);
  }
  writer.unsigned(block.frames.length).unsigned(files.length).unsigned(block.segments.length);
  for (const frame of block.frames) writer.unsigned(frame.length).unsigned(frame.rawBytes);
  for (const id of files) {
    for (let at = 0; at < 24; at += 6) writer.unsigned(Number.parseInt(id.slice(at, at + 6), 16));
  }
  let receivedMs = 0;
  for (const segment of block.segments) {
    writer.unsigned(fileIndex.get(segment.fileId) ?? 0).unsigned(knownSources.get(segment.source) ?? 0)
      .unsigned(segment.frame).unsigned(segment.lines).unsigned(segment.bytes)
      .signed(segment.receivedMs - receivedMs);
    receivedMs = segment.receivedMs;
  }
  const table = writer.finish();
  return {
    _id: { lane: block.lane, n: block.n },
    sources: sourcesOf(sources),
    sourcesSha256: hashOf(sources), table, tableSha256: sha256Hex(table), data: block.data, sha256: block.sha256,
  };
}

/** Whose lines these are is as much a part of the evidence as the lines. */
function hashOf(sources: readonly SegmentSource[]): string {
  const fields = sources.map(({ id, name, indexed, timeZone }) => [id, name, indexed, timeZone]);
  return sha256Hex(Buffer.from(JSON.stringify(fields)));
}

/** Only what is hashed, so that a changed document gives the same sources or none. */
function sourcesOf(stored: unknown): readonly SegmentSource[] {
  if (!Array.isArray(stored)) throw new CorruptionError('a block without sources');
  return stored.map((source: SegmentSource | null) => {
    if (typeof source !== 'object' || source === null) throw new CorruptionError('a source that is none');
    const { id, name, indexed, timeZone } = source;
    return { id, name, indexed, timeZone };
  });
}

/** Never throws: what can't be read is `corrupt`, with the segments when at least their table can be trusted. */
export function fromDocument(document: JournalDocument): StoredBlock {
  const { lane, n } = document._id;
  const data = Buffer.isBuffer(document.data) ? document.data : Buffer.alloc(0);
  const sha256 = document.sha256 ?? '';
  let tables: Pick<Block, 'segments' | 'frames'>;
  try {
    tables = readTable(document);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    return { lane, n, segments: [], frames: [], data, sha256, corrupt: true };
  }
  const block = { lane, n, ...tables, data, sha256 };
  return { ...block, corrupt: document.setAside !== undefined || faultOf(block) !== undefined };
}

function readTable(document: JournalDocument): Pick<Block, 'segments' | 'frames'> {
  const { table } = document;
  if (!Buffer.isBuffer(table)) throw new CorruptionError('a block without a table');
  const sources = sourcesOf(document.sources);
  if (sha256Hex(table) !== document.tableSha256) throw new CorruptionError('the table does not match its sha256');
  if (document.sourcesSha256 !== undefined && document.sourcesSha256 !== hashOf(sources)) {
    throw new CorruptionError('the sources do not match their sha256');
  }
  const reader = new VarintReader(table);
  const [frameCount, fileCount, segmentCount] = [reader.unsigned(), reader.unsigned(), reader.unsigned()];
  const frames: Frame[] = [];
  for (let offset = 0; frames.length < frameCount;) {
    const length = reader.unsigned();
    frames.push({ offset, length, rawBytes: reader.unsigned() });
    offset += length;
  }
  const files: string[] = [];
  while (files.length < fileCount) {
    let id = '';
    while (id.length < 24) id += reader.unsigned().toString(16).padStart(6, '0');
    files.push(id);
  }
  const segments: Segment[] = [];
  const filled = frames.map(() => 0);
  let receivedMs = 0;
  while (segments.length < segmentCount) {
    const fileId = files[reader.unsigned()];
    const source = sources[reader.unsigned()];
    const frame = reader.unsigned();
    const [lines, bytes] = [reader.unsigned(), reader.unsigned()];
    receivedMs += reader.signed();
    const offset = filled[frame];
    if (fileId === undefined || source === undefined || offset === undefined) {
      throw new CorruptionError('a segment names what is not there');
    }
    filled[frame] = offset + bytes;
    segments.push({ fileId, source, lines, bytes, receivedMs, frame, offset });
  }
  return { segments, frames };
}
