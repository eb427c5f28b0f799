import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import { systemClock } from '../../../src/clock';
import { UnavailableError, UnknownOutcomeError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import { Closer } from '../../../src/recovery/closer';
import { Recoverer } from '../../../src/recovery/recoverer';
import { block, closingFile, collect, newId, newLane } from '../../conformance/archive/samples';
import { Stopwatch } from '../../support/stopwatch';
import { PrivateMongod } from './private-mongod';

describe('archive while mongod is killed and paused', function () {
  this.timeout(300_000);
  let mongod: PrivateMongod;
  let volume: MongodbVolume;
  const opened: MongodbVolume[] = [];

  function open(): MongodbVolume {
    const next = new MongodbVolume({ name: 'main', url: mongod.url, database: 'archive', clock: systemClock });
    opened.push(next);
    return next;
  }

  before(async () => {
    mongod = await PrivateMongod.start();
    volume = open();
    await volume.prepare();
  });

  after(async () => {
    mongod.signal('SIGCONT');
    await Promise.all(opened.map((one) => one.close()));
    await mongod.remove();
  });

  async function openLane(): Promise<string> {
    const lane = newLane();
    await volume.journal.openLane(lane);
    return lane.id;
  }

  function closerOf(of: MongodbVolume): Closer {
    return new Closer({
      volume: of, clock: systemClock, random: systemRandom, log: silentLog,
      policy: () => ({ collection: 'logs', definitions: 'd1', maxIndexedLineBytes: 32_768 }),
    });
  }

  async function eventually<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (tries > 20) throw error;
        await new Promise((done) => setTimeout(done, 300));
      }
    }
  }

  it('kill -9 during inserts: every acknowledged block is there, none is there twice', async () => {
    for (let round = 0; round < 3; round += 1) {
      const lanes = await Promise.all([1, 2, 3, 4].map(openLane));
      const acknowledged = new Map<string, number>();
      const writers = lanes.map(async (lane) => {
        for (let n = 0; ; n += 1) {
          try {
            const { outcome } = await volume.journal.insert([await block(lane, n)]);
            if (outcome !== 'stored') return outcome;
            acknowledged.set(lane, n);
          } catch (error) {
            return error;
          }
        }
      });
      await new Promise((done) => setTimeout(done, 300 + 200 * round));
      await mongod.kill();
      for (const end of await Promise.all(writers)) {
        expect(end instanceof UnknownOutcomeError || end instanceof UnavailableError, String(end)).to.equal(true);
      }
      await mongod.restart();
      for (const lane of lanes) {
        const seal = await eventually(() => volume.journal.seal(lane));
        const stored = (await collect(volume.journal.read(lane, 0, seal))).map(({ n }) => n);
        expect(stored).to.deep.equal(Array.from({ length: seal }, (_, n) => n));
        expect(seal).to.be.greaterThan(acknowledged.get(lane) ?? -1);
      }
    }
  });

  it('SIGSTOP: an insert ends within 6 s without an acknowledgement; the lane is sealed later (schedules 34, 46)',
    async () => {
      const lane = await openLane();
      await volume.journal.insert([await block(lane, 0)]);
      mongod.signal('SIGSTOP');
      const stopwatch = new Stopwatch();
      const results = await Promise.all([
        volume.journal.insert([await block(lane, 1)]).catch((error: unknown) => error),
        volume.ping().catch((error: unknown) => error),
        volume.states.get(newId()).catch((error: unknown) => error),
        closingFile(3).then((file) => volume.states.close([file])).catch((error: unknown) => error),
      ]);
      const tookMs = stopwatch.ms;
      mongod.signal('SIGCONT');
      expect(tookMs).to.be.lessThan(6_000);
      expect(results[0]).to.be.instanceOf(UnknownOutcomeError);
      for (const result of results.slice(1)) expect(result).to.be.instanceOf(Error);
      const seal = await eventually(() => volume.journal.seal(lane));
      expect(await collect(volume.journal.read(lane, 0, seal))).to.have.length(seal);
      expect((await volume.journal.insert([await block(lane, seal)])).outcome).to.equal('collision');
    });

  it('recovers a lane while its producer still writes: no acknowledgement beyond the seal (schedules 1, 2)', async () => {
    const lane = await openLane();
    const acknowledged: string[] = [];
    // A connection of its own: the pools of the others may still be cleared for the pause before.
    const { journal } = open();
    const zombie = (async () => {
      for (let n = 0; ; n += 1) {
        const file = newId();
        if ((await journal.insert([await block(lane, n, `line ${n}\n`, file)])).outcome !== 'stored') return;
        acknowledged.push(file);
      }
    })();
    await new Promise((done) => setTimeout(done, 400));
    const put: string[] = [];
    const recoverers = [open(), open()].map((of) => new Recoverer({
      volume: of, closer: closerOf(of), clock: systemClock, log: silentLog, requeueAfterMs: () => 600_000,
      aliveIncarnations: async () => new Set(),
      queue: { put: async (ids) => { put.push(...ids); }, depth: async () => ({ items: 0, dead: 0 }) },
    }));
    await Promise.all(recoverers.map((recoverer) => recoverer.run()));
    await zombie;
    expect(acknowledged.length).to.be.greaterThan(0);
    expect((await volume.states.existing(acknowledged)).size).to.equal(acknowledged.length);
    expect(await volume.journal.unfinishedLanes()).to.deep.equal([]);
    expect(put).to.include.members(acknowledged);
    const description = await volume.files.describe(acknowledged[0] ?? '');
    expect(description?.Lines).to.equal(1);
  });

  it('locks of a client that was killed inside a transaction are free after 7 s (schedule 47)', async () => {
    const file = await closingFile(2);
    const id = file.state.id;
    const script = `const { MongoClient, ObjectId } = require('mongodb');
      (async () => {
        const client = new MongoClient(${JSON.stringify(mongod.url)});
        const session = client.startSession();
        session.startTransaction();
        await client.db('archive').collection('states').insertOne({ _id: new ObjectId('${id}') }, { session });
        process.stdout.write('ready');
        setInterval(() => undefined, 1000);
      })();`;
    const child = spawn(process.execPath, ['-e', script], { cwd: process.cwd(), stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    const stopwatch = new Stopwatch();
    expect(await volume.states.close([file])).to.deep.equal({ outcome: 'conflict', existing: [] });
    let closed = false;
    while (!closed && stopwatch.ms < 30_000) {
      closed = (await volume.states.close([file])).outcome === 'closed';
      if (!closed) await new Promise((done) => setTimeout(done, 250));
    }
    expect(closed).to.equal(true);
    expect(stopwatch.ms).to.be.lessThan(8_000);
  });
});
