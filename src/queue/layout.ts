import { createHash } from 'node:crypto';
import { CorruptionError, invariant } from '../errors';
import { limits } from '../limits';
import { paths } from '../registry/paths';

/**
 * Names below `/Queue` and the form of an item's content. docs/specs/queue.md describes them; they are shared
 * by producers and consumers of different versions, so a change needs a new `format`.
 */
const ITEM_FORMAT = 1;
const FILE_ID = /^[0-9a-f]{24}$/;

export const participantsPath = `${paths.queue}/consumers`;

export function bucketName(bucket: number): string {
  return String(bucket).padStart(2, '0');
}

export function bucketPath(bucket: number): string {
  return `${paths.queueBuckets}/${bucketName(bucket)}`;
}

export function itemsPath(bucket: number): string {
  return `${bucketPath(bucket)}/items`;
}

export function itemPath(bucket: number, name: string): string {
  return `${itemsPath(bucket)}/${name}`;
}

export function deadPath(fileId: string): string {
  return `${paths.queueDead}/${fileId}`;
}

/** The bucket of a file, so that two items with the same file meet one owner. */
export function bucketOf(fileId: string, buckets: number): number {
  return createHash('sha256').update(fileId).digest().readUInt32BE() % buckets;
}

const SEQUENTIAL = /^(?:item|owner-[0-9a-f]+)-(-?\d+)$/;

/** The number that ZooKeeper gave a sequential node (a signed 32 bit integer); undefined for another name. */
export function sequenceOf(name: string): number | undefined {
  const digits = SEQUENTIAL.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Orders by sequence number; the counter's wrap after 2^31 nodes does not matter. */
export function compareSequence(a: string, b: string): number {
  return sequenceDifference(sequenceOf(a) ?? 0, sequenceOf(b) ?? 0);
}

export function sequenceDifference(a: number, b: number): number {
  return (a - b) | 0;
}

export function encodeItem(fileIds: readonly string[]): Buffer {
  invariant(fileIds.length > 0 && fileIds.length <= limits.queueItemFiles, 'an item holds 1 to queueItemFiles ids');
  return Buffer.from(JSON.stringify({ format: ITEM_FORMAT, files: fileIds }));
}

/** CorruptionError for what `encodeItem` did not write. */
export function decodeItem(data: Buffer): readonly string[] {
  let content: unknown;
  try {
    content = JSON.parse(data.toString('utf8'));
  } catch (cause) {
    throw new CorruptionError('a queue item is not JSON', { cause });
  }
  const { format, files } = (content ?? {}) as { format?: unknown; files?: unknown };
  if (format !== ITEM_FORMAT || !Array.isArray(files) || files.length === 0 || !files.every(isFileId)) {
    throw new CorruptionError('a queue item does not have the form that docs/specs/queue.md describes');
  }
  return files;
}

function isFileId(value: unknown): value is string {
  return typeof value === 'string' && FILE_ID.test(value);
}
