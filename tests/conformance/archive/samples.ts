import { randomBytes } from 'node:crypto';
import { buildBlock, type Piece } from '../../../src/archive/block-format';
import { FileBuilder } from '../../../src/archive/file-format';
import type { Block, KeyRecord, LaneRecord, SegmentSource, StoredBlock } from '../../../src/archive/journal';
import { Phase, type ClosingFile, type FileState } from '../../../src/archive/states';
import { splitLines } from '../../../src/lines';

export const source: SegmentSource = { id: 'source-1', name: 'alpha', indexed: true, timeZone: 'UTC' };

export function newId(): string {
  return randomBytes(12).toString('hex');
}

export function newLane(openedMs = 1_000): LaneRecord {
  return { id: `lane-${newId()}`, incarnation: `incarnation-${newId()}`, volume: 'main', openedMs };
}

export function piece(body: string, fileId = newId(), receivedMs = 1_700_000_000_000): Piece {
  const { content, lines } = splitLines(Buffer.from(body));
  return { fileId, source, lines, raw: content, receivedMs };
}

export function block(lane: string, n: number, body = `line of block ${n}\n`, fileId = newId()): Promise<Block> {
  return buildBlock(lane, n, [piece(body, fileId)]);
}

export function keyRecord(key = newId()): KeyRecord {
  return {
    sourceId: source.id, key, bodySha256: 'a'.repeat(64), createdMs: Date.now(),
    answer: { lines: 1, bytes: 5, files: [newId()] },
  };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function numbers(blocks: readonly StoredBlock[]): number[] {
  return blocks.map(({ n }) => n);
}

export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => new Error('it did not reject'), (error: unknown) => error);
}

export function lineBodies(count: number, from = 0): string {
  return Array.from({ length: count }, (_, i) => `line ${from + i} of a file\n`).join('');
}

/** A file of `lines` lines, ready to be closed. */
export async function closingFile(lines: number, changes: Partial<FileState> = {}): Promise<ClosingFile> {
  const id = changes.id ?? newId();
  const origin = { id, source: { ...source, id: changes.sourceId ?? source.id }, volume: 'main', lane: 'lane-x' };
  const builder = new FileBuilder(origin);
  for (let from = 0; from < lines; from += 100) {
    const count = Math.min(100, lines - from);
    await builder.add({ raw: Buffer.from(lineBodies(count, from)), lines: count, receivedMs: 5_000 + from });
  }
  const { description, content } = await builder.finish(9_000);
  const state: FileState = {
    id, phase: Phase.closed, sourceId: description.sourceId, sourceName: description.Source, volume: 'main',
    lane: 'lane-x', lines, firstReceivedMs: description.firstReceivedMs, lastReceivedMs: description.lastReceivedMs,
    closedMs: 9_000, collection: 'logs', definitions: 'd1', timeZone: 'UTC', maxIndexedLineBytes: 32_768, claim: 0,
    position: 0, attempts: 0, queuedMs: 9_000, progressMs: 9_000, tombstones: [], tombstoneVersion: 0, setAside: 0,
    ...changes,
  };
  return { description, content, state };
}
