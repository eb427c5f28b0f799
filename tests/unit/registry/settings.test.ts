import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigurationError, InputError } from '../../../src/errors';
import { createLog, type LogFields } from '../../../src/log';
import { systemClock } from '../../../src/clock';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { MemorySettings } from '../../../src/registry/memory-settings';
import { paths } from '../../../src/registry/paths';
import type { Settings } from '../../../src/registry/settings';
import { defaultSettings, settingsOf } from '../../../src/registry/settings-schema';
import { changeSettings, initialSettings, readSettings, watchSettings } from '../../../src/registry/settings-store';
import { loadSchema, programFolder } from '../../../src/schemas';
import { settle } from '../../support/manual-clock';

const MiB = 2 ** 20;

/** Written out, so that the type check and the comparison below keep type, schema and this list alike. */
const expected: Settings = {
  files: { maxLines: 1_000_000, maxBytes: 32 * MiB, maxAgeMs: 10_000 },
  intake: {
    maxBodyBytes: 64 * MiB, memoryBudgetBytes: 76 * MiB, bodyTimeoutMs: 60_000, graceSeconds: 30,
    maxIndexedLineBytes: 32_768, idempotencyWindowHours: 24, lanes: 2, maxConnections: 2_000,
  },
  backPressure: { maxUnqueuedFiles: 100_000, maxQueueDepth: 100_000, maxJournalBlocks: 100_000 },
  storage: { warnFraction: 0.8, refuseFraction: 0.85 },
  queue: { buckets: 64, maxAttempts: 5, maxDepth: 50_000 },
  consumer: {
    batchDocuments: 1_000, batchBytes: 4 * MiB, batchesInFlight: 2, workers: 1, softCommitMs: 1_000,
    hardCommitMs: 15_000, commitDocuments: 500_000, noProgressMs: 60_000, requeueAfterMs: 120_000,
  },
  index: { collection: 'resilog', shards: 1, replicas: 1 },
  recovery: { scanIntervalMs: 5_000 },
  deletion: { clockSkewMs: 60_000 },
  audit: { intervalMs: 86_400_000, readBytesPerSecond: 2 * MiB, indexQueriesPerSecond: 2 },
};

interface Described {
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Described>;
}

describe('Settings', () => {
  it('have the same keys and defaults in type, schema and code', () => {
    expect(defaultSettings()).to.deep.equal(expected);
    expect(settingsOf({})).to.deep.equal(expected);
  });

  it('are each described in the schema and in docs/specs/settings.md', () => {
    const page = readFileSync(join(programFolder, 'docs', 'specs', 'settings.md'), 'utf8');
    const groups = (loadSchema('settings').document as Described).properties ?? {};
    for (const [group, { properties, description }] of Object.entries(groups)) {
      expect(description, group).to.be.a('string');
      for (const [key, described] of Object.entries(properties ?? {})) {
        expect(described.description, `${group}.${key}`).to.match(/\.$/);
        const bounds = described.minimum === undefined ? '' : `${described.minimum} – ${described.maximum}`;
        const row = `| \`${group}.${key}\` | ${String(described.default)} | ${bounds} | ${described.description} |`;
        expect(page, `docs/specs/settings.md must hold the row:\n${row}\n`).to.contain(row);
      }
    }
  });

  it('name what is wrong with a value', () => {
    const cases: [unknown, RegExp][] = [
      [{ files: { maxAge: 5 } }, /unknown key "maxAge", did you mean "maxAgeMs"/],
      [{ file: {} }, /unknown key "file", did you mean "files"/],
      [{ files: { maxLines: 2 ** 20 + 1 } }, /files\.maxLines: 1048577/],
      [{ files: { maxLines: 1.5 } }, /files\.maxLines/],
      [{ intake: { idempotencyWindowHours: 1 } }, /idempotencyWindowHours/],
      [{ storage: { warnFraction: 0.9 } }, /warnFraction is above/],
      [{ index: { collection: 'a b' } }, /collection/],
      [[], /JSON object/],
      ['x', /JSON object/],
    ];
    for (const [changes, message] of cases) {
      expect(() => settingsOf(changes), JSON.stringify(changes)).to.throw(InputError, message);
    }
  });

  it('in memory change, count and tell', () => {
    const settings = new MemorySettings({ files: { maxLines: 10 } });
    let told: Settings | undefined;
    settings.onChange((value) => { told = value; });
    settings.change({ files: { maxLines: null, maxAgeMs: 500 } });
    expect(told?.files).to.include({ maxLines: 1_000_000, maxAgeMs: 500 });
    expect(settings.version).to.equal(1);
    expect(() => { settings.change({ files: { maxAgeMs: 1 } }); }).to.throw(InputError);
    expect(settings.current.files.maxAgeMs).to.equal(500);
  });
});

describe('Settings in the registry', () => {
  const events: { event: string; level: string; problem?: string }[] = [];
  const log = createLog({
    clock: systemClock,
    write: (line) => events.push(JSON.parse(line) as LogFields as { event: string; level: string }),
  });
  let server: MemoryCoordinationServer;

  beforeEach(async () => {
    events.length = 0;
    server = new MemoryCoordinationServer({ clock: systemClock });
  });

  async function initialised() {
    const coordination = server.connect();
    await coordination.ensure(paths.configuration);
    await coordination.create(paths.settings, initialSettings());
    return coordination;
  }

  it('are refused with a clear sentence before the cluster is initialised', async () => {
    const coordination = server.connect();
    const error = await watchSettings(coordination, log).catch((failure: unknown) => failure as Error);
    expect(error).to.be.instanceOf(ConfigurationError);
    expect((error as Error).message).to.contain('not initialised');
    const reading = await readSettings(coordination).catch((failure: unknown) => failure as Error);
    expect(reading).to.be.instanceOf(ConfigurationError);
  });

  it('reach those who watch, with their version, and only what was changed is stored', async () => {
    const one = await initialised();
    const watched = await watchSettings(server.connect(), log);
    expect(watched.version).to.equal(0);
    const told: number[] = [];
    watched.onChange((settings) => told.push(settings.files.maxAgeMs));
    const changed = await changeSettings(one, { files: { maxAgeMs: 2_000 } });
    expect(changed.version).to.equal(1);
    await settle();
    expect(watched.current.files.maxAgeMs).to.equal(2_000);
    expect(watched.version).to.equal(1);
    await changeSettings(one, { files: { maxAgeMs: null } });
    await settle();
    expect(told).to.deep.equal([2_000, 10_000]);
    expect((await readSettings(one)).changes).to.deep.equal({
      queue: { buckets: 64 }, index: { collection: 'resilog' }, files: {},
    });
    watched.close();
  });

  it('are all kept when many change them at once', async () => {
    await initialised();
    const changes = [
      { files: { maxLines: 7 } }, { intake: { lanes: 3 } }, { consumer: { workers: 4 } }, { index: { shards: 2 } },
    ];
    await Promise.all(changes.map((change) => changeSettings(server.connect(), change)));
    const { settings, version } = await readSettings(server.connect());
    expect(settings.files.maxLines).to.equal(7);
    expect(settings.intake.lanes).to.equal(3);
    expect(settings.consumer.workers).to.equal(4);
    expect(settings.index.shards).to.equal(2);
    expect(version).to.equal(4);
  });

  it('are not stored when they are invalid or fixed', async () => {
    const one = await initialised();
    for (const change of [{ files: { maxAgeMs: 1 } }, { queue: { buckets: 8 } }, { index: { collection: 'other' } }, { files: { nonsense: 1 } }]) {
      const error = await changeSettings(one, change as never).catch((failure: unknown) => failure as Error);
      expect(error, JSON.stringify(change)).to.be.instanceOf(InputError);
    }
    expect((await readSettings(one)).version).to.equal(0);
  });

  it('written by other means and invalid are ignored loudly, while the last good stay', async () => {
    const one = await initialised();
    const watched = await watchSettings(server.connect(), log);
    await changeSettings(one, { files: { maxLines: 5 } });
    for (const content of ['{"files":{"maxLines":0}}', 'not JSON', '[]', '{"queue":{"buckets":8}}', '{"index":{"collection":"x"}}']) {
      events.length = 0;
      await one.set(paths.settings, Buffer.from(content));
      await settle();
      expect(watched.current.files.maxLines, content).to.equal(5);
      expect(watched.version).to.equal(1);
      expect(events.some(({ level, event }) => level === 'error' && event === 'RegistryDocumentIgnored'), content).to.equal(true);
    }
    await one.remove(paths.settings);
    await settle();
    expect(watched.current.files.maxLines).to.equal(5);
    watched.close();
  });

  it('invalid ones can be mended by a change', async () => {
    const one = await initialised();
    await one.set(paths.settings, Buffer.from('{"queue":{"buckets":64},"index":{"collection":"resilog"},"files":{"maxLines":0}}'));
    expect((await readSettings(one)).problem).to.contain('files.maxLines');
    const mended = await changeSettings(one, { files: { maxLines: null } });
    expect(mended.settings).to.deep.equal(expected);
    await one.set(paths.settings, Buffer.from('not JSON'));
    const error = await changeSettings(one, {}).catch((failure: unknown) => failure as Error);
    expect(error).to.be.instanceOf(ConfigurationError);
  });
});
