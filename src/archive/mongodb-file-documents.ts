import { ObjectId } from 'mongodb';
import { CorruptionError } from '../errors';
import { limits } from '../limits';
import { FILE_FORMAT_VERSION } from './file-format';
import type { FileBlock, FileDescription } from './files';
import type { BlockDocument, GridfsChunkDocument, GridfsFileDocument } from './mongodb-schema';
import { VarintReader, VarintWriter } from './varint';

export function toFileDocument(file: FileDescription): GridfsFileDocument {
  return {
    _id: new ObjectId(file.id),
    length: file.storedBytes,
    chunkSize: limits.chunkBytes,
    uploadDate: new Date(file.closedMs),
    filename: `${file.Source}-${file.id}.zst`,
    metadata: {
      FormatVersion: file.formatVersion, Source: file.Source, Lines: file.Lines, RemLines: file.RemLines,
      Position: file.Position, sourceId: file.sourceId, volume: file.volume, lane: file.lane, bytes: file.bytes,
      sha256: file.sha256, firstReceivedMs: file.firstReceivedMs, lastReceivedMs: file.lastReceivedMs,
      closedMs: file.closedMs, gapLines: file.gapLines, blocks: file.blocks.map(toBlockDocument),
    },
  };
}

/** GridFS chunks over the content, not copied. */
export function toChunkDocuments(id: string, content: Buffer): GridfsChunkDocument[] {
  const chunks: GridfsChunkDocument[] = [];
  const files_id = new ObjectId(id);
  for (let at = 0; at < content.length; at += limits.chunkBytes) {
    const data = content.subarray(at, at + limits.chunkBytes);
    chunks.push({ _id: new ObjectId(), files_id, n: chunks.length, data });
  }
  return chunks;
}

/** CorruptionError for a format that this program does not know. */
export function fromFileDocument(document: GridfsFileDocument): FileDescription {
  const { metadata } = document;
  const id = document._id.toHexString();
  if (metadata.FormatVersion > FILE_FORMAT_VERSION) {
    throw new CorruptionError(`file ${id} has format ${metadata.FormatVersion}`, {
      remedy: `this program reads formats up to ${FILE_FORMAT_VERSION}: use a newer one`,
    });
  }
  return {
    id, sourceId: metadata.sourceId, Source: metadata.Source, Lines: metadata.Lines, RemLines: metadata.RemLines,
    Position: metadata.Position, formatVersion: metadata.FormatVersion, volume: metadata.volume, lane: metadata.lane,
    bytes: metadata.bytes, storedBytes: document.length, sha256: metadata.sha256,
    firstReceivedMs: metadata.firstReceivedMs, lastReceivedMs: metadata.lastReceivedMs, closedMs: metadata.closedMs,
    blocks: metadata.blocks.map(fromBlockDocument), gapLines: metadata.gapLines,
  };
}

function toBlockDocument(block: FileBlock): BlockDocument {
  const { offset, length, rawBytes, firstLine, lines } = block;
  // Runs of (lines, ms since the run before): a block of single-line requests has thousands.
  const writer = new VarintWriter();
  let before = 0;
  for (const [count, receivedMs] of block.receptions) {
    writer.unsigned(count).signed(receivedMs - before);
    before = receivedMs;
  }
  const receptions = writer.finish();
  return { offset, length, rawBytes, firstLine, lines, receptions, sha256: Buffer.from(block.sha256, 'hex') };
}

function fromBlockDocument(document: BlockDocument): FileBlock {
  const { offset, length, rawBytes, firstLine, lines } = document;
  const reader = new VarintReader(document.receptions);
  const receptions: (readonly [number, number])[] = [];
  let receivedMs = 0;
  while (!reader.ended) {
    const count = reader.unsigned();
    receivedMs += reader.signed();
    receptions.push([count, receivedMs]);
  }
  return { offset, length, rawBytes, firstLine, lines, receptions, sha256: document.sha256.toString('hex') };
}
