import { expect } from 'chai';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import { systemClock } from '../../../src/clock';
import { initialise } from '../../../src/registry/bootstrap';
import { encodeKeyChanges, keysChangedSince, noKeyChanges, withChange } from '../../../src/registry/key-changes';
import { WatchedKeyDirectory } from '../../../src/registry/key-directory';
import { MemoryCoordinationServer, type MemoryCoordination } from '../../../src/registry/memory-coordination';
import type { KeyVerdict } from '../../../src/registry/ports';
import { SourceRegistry } from '../../../src/registry/source-registry';
import { ManualClock, settle } from '../../support/manual-clock';

const connections = { mongodb: { volumes: [{ name: 'v', url: 'mongodb://x/' }] }, solr: { urls: ['http://x/solr'] } };

describe('WatchedKeyDirectory', () => {
  let clock: ManualClock;
  let server: MemoryCoordinationServer;
  let admin: MemoryCoordination;
  let own: MemoryCoordination;
  let sources: SourceRegistry;
  let directory: WatchedKeyDirectory;
  let operations: string[];
  let graceSeconds: number;

  beforeEach(async () => {
    clock = new ManualClock();
    graceSeconds = 30;
    operations = [];
    server = new MemoryCoordinationServer({ clock });
    // The administrator's deadlines are in real time: the test moves only the producer's.
    admin = server.connect({ clock: systemClock });
    await initialise({ coordination: admin, connections, clock, random: systemRandom });
    sources = new SourceRegistry({ coordination: admin, clock, random: systemRandom });
    own = server.connect({ onOperation: (what, path, done) => { if (!done) operations.push(`${what} ${path}`); } });
  });

  afterEach(async () => {
    directory.close();
    await Promise.all([own.close(), admin.close()]);
  });

  async function start(): Promise<void> {
    directory = new WatchedKeyDirectory({
      coordination: own, clock, log: silentLog, graceSeconds: () => graceSeconds,
    });
    await settle();
  }

  async function verdict(key: string): Promise<string> {
    const answer: KeyVerdict | Promise<KeyVerdict> = directory.lookUp(key, 'path');
    if (answer instanceof Promise) await clock.advance(300);
    return (await answer).verdict;
  }

  it('says unavailable, never unknown, until all keys are loaded (schedule 35)', async () => {
    const { key } = await sources.add('x');
    own.loseConnection();
    await start();
    expect(await verdict(key)).to.equal('unavailable');
    expect(await verdict('f'.repeat(64))).to.equal('unavailable');
    own.reconnect();
    await settle();
    expect(await verdict(key)).to.equal('known');
    expect(await verdict('f'.repeat(64))).to.equal('unknown');
  });

  it('answers known keys without any operation', async () => {
    const { key } = await sources.add('x');
    await start();
    operations.length = 0;
    for (let i = 0; i < 10_000; i += 1) {
      const answer = directory.lookUp(key, 'path');
      expect((answer as KeyVerdict).verdict).to.equal('known');
    }
    expect(operations).to.deep.equal([]);
  });

  it('reads an unknown key once for all who ask, and believes the answer for a while', async () => {
    await start();
    const key = 'a'.repeat(64);
    operations.length = 0;
    const answers = Array.from({ length: 50 }, () => directory.lookUp(key, 'path'));
    await clock.advance(300);
    for (const answer of answers) expect((await answer).verdict).to.equal('unknown');
    expect(operations).to.have.length(2);
    expect(directory.lookUp(key, 'path')).to.deep.equal({ verdict: 'unknown' });
    await clock.advance(2_500);
    expect(await verdict(key)).to.equal('unknown');
    expect(operations).to.have.length(4);
  });

  it('puts guessers off instead of asking the registry for each guess', async () => {
    await start();
    operations.length = 0;
    const answers = Array.from({ length: 500 }, (_, i) => directory.lookUp(i.toString(16).padStart(64, '0'), 'path'));
    await clock.advance(300);
    const verdicts = (await Promise.all(answers.map(async (answer) => answer))).map((answer) => answer.verdict);
    expect(verdicts.filter((value) => value === 'unknown')).to.have.length(32);
    expect(verdicts.filter((value) => value === 'unavailable')).to.have.length(468);
    expect(operations.length).to.be.at.most(64);
  });

  it('finds a key that the registry shows a moment later', async () => {
    await start();
    const issued = await sources.add('x', {}, async ({ key }) => {
      const early = directory.lookUp(key, 'path');
      await settle();
      void (early as Promise<KeyVerdict>).then((answer) => operations.push(answer.verdict));
    });
    await clock.advance(300);
    expect(operations).to.include('known');
    expect(await verdict(issued.key)).to.equal('known');
  });

  it('goes on without contact for the grace, then says unavailable', async () => {
    const { key } = await sources.add('x');
    await start();
    own.loseConnection();
    await clock.advance(29_000);
    expect(await verdict(key)).to.equal('known');
    expect(await verdict('f'.repeat(64))).to.equal('unavailable');
    await clock.advance(2_000);
    expect(await verdict(key)).to.equal('unavailable');
    own.reconnect();
    await clock.advance(10);
    expect(await verdict(key)).to.equal('known');
    graceSeconds = 0;
    own.loseConnection();
    expect(await verdict(key)).to.equal('unavailable');
  });

  it('reads everything again after reconnecting: what was revoked meanwhile is refused', async () => {
    const [kept, removed, disabled] = await Promise.all(['a', 'b', 'c'].map((name) => sources.add(name)));
    await start();
    own.loseConnection();
    await sources.remove('b');
    await sources.disable('c');
    expect(await verdict(removed?.key ?? '')).to.equal('known');
    own.reconnect();
    await clock.advance(10);
    expect(await verdict(kept?.key ?? '')).to.equal('known');
    expect(await verdict(removed?.key ?? '')).to.equal('unknown');
    expect(await verdict(disabled?.key ?? '')).to.equal('disabled');
  });

  it('reads only what changed', async () => {
    for (let i = 0; i < 20; i += 1) await sources.add(`s${i}`);
    await start();
    operations.length = 0;
    await sources.disable('s7');
    await settle();
    // The watched node, and the key concerned.
    expect(operations).to.have.length(2);
  });

  it('trusts nothing when the registry was wiped', async () => {
    const { key } = await sources.add('x');
    await start();
    expect(await verdict(key)).to.equal('known');
    await admin.removeTree('/Authentification');
    await settle();
    expect(await verdict(key)).to.equal('unavailable');
    await admin.create('/Authentification', encodeKeyChanges(noKeyChanges('another')));
    await clock.advance(1_000);
    expect(await verdict(key)).to.equal('unavailable');
  });

  it('refuses a rotated key when its time is over, also when the clock steps', async () => {
    const former = await sources.add('x');
    await sources.rotate('x', 24);
    await start();
    expect(await verdict(former.key)).to.equal('known');
    clock.step(24 * 3_600_000 + 1);
    expect(await verdict(former.key)).to.equal('unknown');
  });

  it('notices within a minute what was removed by other means', async () => {
    const { key } = await sources.add('x');
    await start();
    await admin.removeTree(`/Authentification/${key}`);
    await clock.advance(61_000);
    expect(await verdict(key)).to.equal('unknown');
  });

  it('tells of a source that is removed, not of a rotated one (schedule 25)', async () => {
    await sources.add('kept');
    const { source } = await sources.add('removed');
    await start();
    const removed: string[] = [];
    directory.onSourceRemoved((id) => removed.push(id));
    await sources.rotate('kept', 0);
    await sources.remove('removed');
    await settle();
    expect(removed).to.deep.equal([source.id]);
  });

  it('sets a source aside that it can not read', async () => {
    const bad = await sources.add('bad');
    const good = await sources.add('good');
    await admin.set(`/Authentification/${bad.key}/options`, Buffer.from('{"formatVersion":2}'));
    await start();
    expect(await verdict(bad.key)).to.equal('unknown');
    expect(await verdict(good.key)).to.equal('known');
  });
});

describe('Key changes', () => {
  it('tell which keys changed, or that all have to be read', () => {
    let changes = noKeyChanges('c');
    for (let i = 1; i <= 300; i += 1) changes = withChange(changes, [`k${i}`]);
    expect(changes.generation).to.equal(300);
    expect(keysChangedSince(changes, 300)).to.deep.equal([]);
    expect(keysChangedSince(changes, 298)).to.deep.equal(['k299', 'k300']);
    expect(keysChangedSince(changes, 44)).to.have.length(256);
    expect(keysChangedSince(changes, 43)).to.equal(undefined);
    expect(keysChangedSince(changes, 301)).to.equal(undefined);
  });
});

describe('SourceRegistry when its process dies', () => {
  it('leaves a whole source or none, wherever it stops, and repeating mends it', async () => {
    for (let stopAt = 0; stopAt < 40; stopAt += 1) {
      const server = new MemoryCoordinationServer({ clock: systemClock });
      const admin = server.connect();
      await initialise({ coordination: admin, connections, clock: systemClock, random: systemRandom });
      let steps = 0;
      const dying: MemoryCoordination = server.connect({
        deadlineMs: 20,
        onOperation: () => {
          steps += 1;
          if (steps === stopAt) dying.loseConnection();
        },
      });
      const registry = new SourceRegistry({ coordination: dying, clock: systemClock, random: systemRandom });
      const failed = await registry.add('x').then(() => false, () => true);
      dying.expireSession();
      const sources = new SourceRegistry({ coordination: admin, clock: systemClock, random: systemRandom });
      const keys = await admin.children('/Authentification');
      const listed = await sources.list();
      expect(keys.length, `stopped at ${stopAt}`).to.equal(listed.length);
      if (listed.length === 0) await sources.add('x');
      else expect(listed[0]?.keys.map(({ key }) => key)).to.deep.equal(keys);
      if (!failed) expect(listed).to.have.length(1);
      expect((await sources.show('x')).enabled).to.equal(true);
      await Promise.all([dying.close(), admin.close()]);
      if (steps < stopAt) return;
    }
    throw new Error('the loop did not reach the end of the operation');
  });
});
