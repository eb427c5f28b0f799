import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { buildBlock, decodeFrame } from '../../../src/archive/block-format';
import type { Faults } from '../../../src/archive/faults';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { silentLog } from '../../../src/log';
import type { LaneRequest } from '../../../src/producer/group-commit';
import { Lanes } from '../../../src/producer/lanes';
import type { CloseRequest, ClosedFile } from '../../../src/producer/ports';
import type { QueueProducer } from '../../../src/queue/ports';
import type { Random } from '../../../src/random';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { MemorySettings } from '../../../src/registry/memory-settings';
import type { SettingsPatch } from '../../../src/registry/settings';
import { ManualClock, settle } from '../../support/manual-clock';

/** Lets things run until the condition holds; for work in other threads. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(condition(), String(condition)).to.equal(true);
}

export function seededRandom(seed = 1): Random {
  let counter = 0;
  const next = (): Buffer => createHash('sha256').update(`${seed}/${(counter += 1)}`).digest();
  return {
    bytes: (length) => Buffer.concat(Array.from({ length: Math.ceil(length / 32) }, next)).subarray(0, length),
    fraction: () => next().readUInt32BE() / 2 ** 32,
  };
}

export function requestOf(source: string, lines: readonly string[], more: Partial<LaneRequest> = {}): LaneRequest {
  const raw = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return {
    source: { id: `id-${source}`, name: source, indexed: true, timeZone: 'UTC' }, receivedMs: 1,
    runs: [{ lines: lines.length, raw }], ...more,
  };
}

export const bodySha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface Harness {
  readonly clock: ManualClock;
  readonly volume: MemoryVolume;
  readonly server: MemoryCoordinationServer;
  readonly coordination: ReturnType<MemoryCoordinationServer['connect']>;
  readonly settings: MemorySettings;
  readonly lanes: Lanes;
  readonly requests: CloseRequest[];
  readonly queued: string[];
  /** Lines by file as closing gave them. */
  readonly closed: Map<string, string[]>;
  /** Every line in the journal or in a closed file. */
  storedLines(): Promise<string[]>;
  failClosing: boolean;
  stop(): Promise<void>;
}

export interface HarnessOptions {
  readonly faults?: Faults;
  readonly settings?: SettingsPatch;
  readonly volume?: MemoryVolume;
  readonly server?: MemoryCoordinationServer;
  readonly clock?: ManualClock;
  readonly seed?: number;
}

/** Lanes over memory adapters; closing keeps lines by file and refuses a file that grew after it was closed. */
export async function harness(options: HarnessOptions = {}): Promise<Harness> {
  const clock = options.clock ?? new ManualClock();
  const volume = options.volume ?? new MemoryVolume(options.faults === undefined ? {} : { faults: options.faults });
  const server = options.server ?? new MemoryCoordinationServer({ clock });
  const coordination = server.connect();
  const settings = new MemorySettings(options.settings ?? { intake: { lanes: 1 } });
  await coordination.ensure('/Lanes');
  const requests: CloseRequest[] = [];
  const closed = new Map<string, string[]>();
  const queued: string[] = [];
  const queue: QueueProducer = {
    put: async (ids) => { queued.push(...ids); },
    depth: async () => ({ items: 0, dead: 0 }),
  };
  const made: { failClosing: boolean } = { failClosing: false };
  const closeFiles = async (request: CloseRequest): Promise<readonly ClosedFile[]> => {
    if (made.failClosing) throw new Error('closing fails');
    requests.push(request);
    const files = await linesByFile(volume, request.lane, request.fromN, request.throughN);
    const fresh: ClosedFile[] = [];
    for (const [id, lines] of files) {
      if (request.files !== 'all' && !request.files.has(id)) continue;
      const former = closed.get(id);
      if (former === undefined) fresh.push({ id, indexed: true });
      else expect(lines).to.deep.equal(former);
      closed.set(id, lines);
    }
    return fresh;
  };
  volume.states.markQueued = async (ids) => ids.map(({ id }) => id);
  const lanes = new Lanes({
    volumes: [volume], coordination, settings, queue, closeFiles, clock, random: seededRandom(options.seed),
    buildBlock, log: silentLog, description: { member: 'test' }, onWrite: () => undefined,
  });
  lanes.start();
  await settle();
  return Object.assign(made, {
    clock, volume, server, coordination, settings, lanes, requests, queued, closed,
    storedLines: async () => {
      const files = new Map<string, string[]>();
      for (const lane of volume.store.lanes.keys()) {
        for (const [id, lines] of await linesByFile(volume, lane, 0, Infinity)) {
          expect(files.has(id), 'a file belongs to one lane').to.equal(false);
          files.set(id, lines);
        }
      }
      for (const [id, lines] of closed) {
        expect(files.get(id), `file ${id} grew after it was closed`).to.deep.equal(lines);
      }
      return [...files.values()].flat();
    },
    stop: async () => {
      const deadline = new AbortController();
      const closing = lanes.close(deadline.signal);
      await settle();
      deadline.abort();
      await closing;
    },
  });
}

async function linesByFile(
  volume: MemoryVolume, lane: string, from: number, to: number,
): Promise<Map<string, string[]>> {
  const files = new Map<string, string[]>();
  for await (const block of volume.journal.read(lane, from, to)) {
    for (const segment of block.segments) {
      const raw = (await decodeFrame(block, segment.frame)).subarray(segment.offset, segment.offset + segment.bytes);
      const lines = raw.toString().slice(0, -1).split('\n');
      expect(lines.length).to.equal(segment.lines);
      files.set(segment.fileId, [...(files.get(segment.fileId) ?? []), ...lines]);
    }
  }
  return files;
}
