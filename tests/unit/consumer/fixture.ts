import { Registry } from 'prom-client';
import { FileBuilder } from '../../../src/archive/file-format';
import type { MemoryVolume } from '../../../src/archive/memory-volume';
import { Phase, type FileState } from '../../../src/archive/states';
import { systemClock, type Clock } from '../../../src/clock';
import { Budget } from '../../../src/consumer/budget';
import { CommitPolicy } from '../../../src/consumer/commit-policy';
import type { FileVolume } from '../../../src/consumer/file-indexing';
import type { FileWorkOptions } from '../../../src/consumer/file-work';
import { Indexer } from '../../../src/consumer/indexer';
import { createConsumerMetrics } from '../../../src/consumer/metrics';
import type { LogIndex } from '../../../src/index/ports';
import { membersOf } from '../../../src/index/line-members';
import { silentLog } from '../../../src/log';
import type { NormalisedLine, NormaliserInput, NormaliserPool } from '../../../src/normaliser/ports';
import type { DeadLetter } from '../../../src/queue/ports';
import { systemRandom } from '../../../src/random';
import { MemorySettings } from '../../../src/registry/memory-settings';
import type { SettingsPatch } from '../../../src/registry/settings';

export const COLLECTION = 'logs';
export const RECEIVED = Date.UTC(2026, 10, 22, 3, 0, 0);

/** Time that runs `factor` times as fast, so that pauses and time-outs cost little. */
export function fastClock(factor: number): Clock {
  return {
    now: () => RECEIVED + systemClock.monotonic() * factor,
    monotonic: () => systemClock.monotonic() * factor,
    sleep: (delayMs, signal) => systemClock.sleep(delayMs / factor, signal),
    timer: (delayMs, callback) => systemClock.timer(delayMs / factor, callback),
  };
}

/** Closes a file of the given lines; each part is a reception of its own, a second after the former. */
export async function closeFile(
  volume: MemoryVolume, id: string, parts: readonly (readonly string[])[], changes: Partial<FileState> = {},
): Promise<FileState> {
  const source = { id: 'source-1', name: 'web', indexed: true, timeZone: 'UTC' };
  const builder = new FileBuilder({ id, source, volume: volume.name, lane: 'lane-1' });
  for (const [i, lines] of parts.entries()) {
    const raw = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    await builder.add({ raw, lines: lines.length, receivedMs: RECEIVED + i * 1_000 });
  }
  const { description, content } = await builder.finish(RECEIVED + 60_000);
  const state: FileState = {
    id, phase: Phase.closed, sourceId: source.id, sourceName: source.name, volume: volume.name, lane: 'lane-1',
    lines: description.Lines, firstReceivedMs: RECEIVED, lastReceivedMs: RECEIVED, closedMs: RECEIVED,
    collection: COLLECTION, definitions: 'd1', timeZone: 'UTC', maxIndexedLineBytes: 1_024,
    claim: 0, position: 0, attempts: 0, queuedMs: 0, progressMs: 0, tombstones: [], tombstoneVersion: 0, setAside: 0,
    ...changes,
  };
  await volume.states.close([{ description, content, state }]);
  return state;
}

/** A pure normaliser: the first word becomes a tag. */
export const wordNormaliser: NormaliserPool = {
  async normalise(_version, inputs) {
    return inputs.map((input: NormaliserInput): NormalisedLine => ({
      found: membersOf({ word: input.text.split(' ')[0] ?? '' }, []), dateMs: undefined,
    }));
  },
  async close() {
    // Nothing to release.
  },
};

export interface WorkFixture extends FileWorkOptions {
  readonly buried: DeadLetter[];
  readonly settings: MemorySettings;
}

/** Everything that work on a file needs, around a volume and an index. */
export function workOptions(
  volume: FileVolume, index: LogIndex, changes: Partial<Omit<FileWorkOptions, 'settings'>> & { patch?: SettingsPatch } = {},
): WorkFixture {
  const clock = changes.clock ?? fastClock(50);
  const settings = new MemorySettings(changes.patch ?? { consumer: { batchDocuments: 4 } });
  const metrics = createConsumerMetrics(new Registry());
  const commits = new CommitPolicy({ index, clock, log: silentLog, settings, metrics });
  const buried: DeadLetter[] = [];
  return {
    clock, index, settings, metrics, buried,
    indexer: new Indexer({ index, clock, random: systemRandom, settings, commits, metrics }),
    normaliser: wordNormaliser,
    budget: new Budget(1_000_000),
    onProgress: () => undefined,
    volumes: [volume],
    deadLetters: { bury: async (letter) => { buried.push(letter); } },
    log: silentLog,
    healthy: async () => true,
    ...changes,
  };
}

export const running = new AbortController().signal;

/** Makes every method of a port pass a gate before its effect and before its answer. */
export function gated<T extends object>(port: T, name: string, gate: (step: string) => Promise<void>): T {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function' || key === 'readBlocks') return value;
      return async (...args: unknown[]): Promise<unknown> => {
        await gate(`${name}.${String(key)} before`);
        const result: unknown = await Reflect.apply(value, target, args);
        await gate(`${name}.${String(key)} after`);
        return result;
      };
    },
  });
}
