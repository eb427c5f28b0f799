import { buildBlock, type Piece } from '../../../src/archive/block-format';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import type { Faults } from '../../../src/archive/faults';
import type { MemoryStore } from '../../../src/archive/memory-store';
import type { SegmentSource } from '../../../src/archive/journal';
import type { Clock } from '../../../src/clock';
import { silentLog } from '../../../src/log';
import { splitLines } from '../../../src/lines';
import type { QueueProducer } from '../../../src/queue/ports';
import type { Random } from '../../../src/random';
import { Closer } from '../../../src/recovery/closer';

export const source: SegmentSource = { id: 'source-1', name: 'alpha', indexed: true, timeZone: 'UTC' };

/** Time that moves only when somebody sleeps. */
export class TestClock implements Clock {
  nowMs = 1_700_000_000_000;

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.nowMs;
  }

  async sleep(delayMs: number): Promise<void> {
    this.nowMs += delayMs;
  }

  timer(): () => void {
    return () => undefined;
  }
}

export const testRandom: Random = { bytes: (length) => Buffer.alloc(length, 7), fraction: () => 0.5 };

export class TestQueue implements QueueProducer {
  readonly ids: string[] = [];

  async put(fileIds: readonly string[]): Promise<void> {
    this.ids.push(...fileIds);
  }

  async depth(): Promise<{ items: number; dead: number }> {
    return { items: this.ids.length, dead: 0 };
  }
}

export function fileId(n: number): string {
  return n.toString(16).padStart(24, '0');
}

export function piece(file: number, body: string, of: SegmentSource = source): Piece {
  const { content, lines } = splitLines(Buffer.from(body));
  return { fileId: fileId(file), source: of, lines, raw: content, receivedMs: 1_000 + file };
}

export async function openLane(
  volume: MemoryVolume, lane: string, blocks: readonly (readonly Piece[])[],
): Promise<void> {
  await volume.journal.openLane({ id: lane, incarnation: `of ${lane}`, volume: volume.name, openedMs: 1 });
  for (const [n, pieces] of blocks.entries()) await volume.journal.insert([await buildBlock(lane, n, pieces)]);
}

export function newVolume(faults?: Faults, store?: MemoryStore): MemoryVolume {
  return new MemoryVolume({
    ...(faults === undefined ? {} : { faults }), ...(store === undefined ? {} : { store }),
  });
}

export function newCloser(volume: MemoryVolume, clock = new TestClock(), memoryBytes?: number): Closer {
  return new Closer({
    volume, clock, random: testRandom, log: silentLog, ...(memoryBytes === undefined ? {} : { memoryBytes }),
    policy: () => ({ collection: 'logs', definitions: 'd1', maxIndexedLineBytes: 32_768 }),
  });
}

/** All lines of a closed file. */
export async function textOf(volume: MemoryVolume, file: number): Promise<string | undefined> {
  const description = await volume.files.describe(fileId(file));
  if (description === undefined) return undefined;
  const parts: Buffer[] = [];
  for await (const block of volume.files.readBlocks(description, 0)) parts.push(block.raw);
  return Buffer.concat(parts).toString();
}
