import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import { systemClock } from '../../../src/clock';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import type { SessionCoordination } from '../../../src/registry/session-coordination';
import { connectZooKeeper } from '../../../src/registry/zookeeper-coordination';
import { servers } from '../../support/servers';
import { Stopwatch } from '../../support/stopwatch';
import { TcpProxy } from '../../support/tcp-proxy';
import { endSession } from '../../support/zookeeper-session';
import { Mongod } from './mongod';
import { startProducer, storedLines, TestKeys, waitFor, type Answer, type Running } from './support';

/** Producers with a real mongod of their own and the real ZooKeeper, reached through a network that can break. */
describe('producers with real servers', function () {
  this.timeout(300_000);
  let mongod: Mongod;
  let proxy: TcpProxy;
  let zookeeper: { readonly host: string; readonly port: number };
  const chroot = `/test-producer-${randomBytes(6).toString('hex')}`;
  const keys = new TestKeys();
  const key = keys.add('web');
  const producers: Running[] = [];
  const volumes: MongodbVolume[] = [];
  const sessions: SessionCoordination[] = [];

  const connect = (server: { host: string; port: number }): SessionCoordination => {
    const session = connectZooKeeper({
      servers: [server], chroot, clock: systemClock, random: systemRandom, log: silentLog, sessionTimeoutMs: 5_000,
    });
    sessions.push(session);
    return session;
  };
  const openVolume = async (): Promise<MongodbVolume> => {
    const volume = new MongodbVolume({ name: 'v1', url: mongod.url, database: 'resilog', clock: systemClock });
    volumes.push(volume);
    await volume.prepare();
    return volume;
  };
  const start = async (server: { host: string; port: number }): Promise<Running> => {
    const coordination = connect(server);
    await coordination.ensure('/');
    const running = await startProducer({
      volume: await openVolume(), coordination, keys, settings: { intake: { graceSeconds: 6 } },
    });
    producers.push(running);
    return running;
  };
  const stored = () => storedLines(volumes[0] as MongodbVolume);
  const occurrences = async (line: string) => (await stored()).filter((candidate) => candidate === line).length;

  before(async () => {
    zookeeper = (await servers()).zookeeper[0] as typeof zookeeper;
    [mongod, proxy] = await Promise.all([Mongod.start(), TcpProxy.start(zookeeper)]);
    await start({ host: '::1', port: proxy.port });
    await start(zookeeper);
  });
  after(async () => {
    for (const running of producers) await running.stop();
    const session = connect(zookeeper);
    await session.removeTree('/Lanes');
    for (const one of sessions) await one.close();
    const root = connectZooKeeper({
      servers: [zookeeper], chroot: '', clock: systemClock, random: systemRandom, log: silentLog,
    });
    await root.removeTree(chroot);
    await root.close();
    for (const volume of volumes) await volume.close();
    await proxy.close();
    await mongod.close();
  });

  it('one Idempotency-Key sent to two producers at once, 200 times: one copy each, the same answer', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const send = (running: Running, round: number): Promise<Answer> =>
      running.post(`/${key}`, `keyed line ${round}`, { headers: { 'idempotency-key': `key-${round}` }, agent });
    for (let base = 0; base < 200; base += 8) {
      await Promise.all(Array.from({ length: 8 }, async (_value, index) => {
        const answers = await Promise.all(producers.map((running) => send(running, base + index)));
        for (const answer of answers) expect(answer.status, answer.body).to.equal(200);
        expect(answers[0]?.json).to.deep.equal(answers[1]?.json);
      }));
    }
    agent.destroy();
    const lines = (await stored()).filter((line) => line.startsWith('keyed line'));
    expect(lines).to.have.length(200);
    expect(new Set(lines).size).to.equal(200);
  });

  for (const [what, stop, go] of [
    ['paused (SIGSTOP)', () => { mongod.pause(); }, () => { mongod.continue(); }],
    ['killed (kill -9)', () => mongod.kill(), () => mongod.run()],
  ] as const) {
    it(`MongoDB ${what}: 503 with Retry-After within 6 s, nothing acknowledged lost, back without a restart`, async () => {
      const running = producers[1] as Running;
      expect((await running.post(`/${key}`, `before ${what}`)).status).to.equal(200);
      await stop();
      const endMs = Date.now() + 8_000;
      let refused = 0;
      const client = async (name: string): Promise<void> => {
        for (let round = 0; Date.now() < endMs; round += 1) {
          const stopwatch = new Stopwatch();
          const answer = await running.post(`/${key}`, `${what} ${name} ${round}`);
          expect(stopwatch.ms, answer.body).to.be.below(6_000);
          expect(answer.status).to.equal(503);
          expect(Number(answer.headers['retry-after'])).to.be.greaterThan(0);
          refused += 1;
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      };
      await Promise.all(['a', 'b', 'c', 'd'].map(client));
      expect(refused).to.be.greaterThan(8);
      await go();
      await waitFor(async () => (await running.post(`/${key}`, `after ${what}`)).status === 200, 10_000);
      expect(await occurrences(`before ${what}`)).to.equal(1);
      expect(await occurrences(`after ${what}`)).to.be.greaterThan(0);
      // A line of an unanswered request is there at most once.
      const unanswered = (await stored()).filter((line) => line.startsWith(`${what} `));
      expect(new Set(unanswered).size).to.equal(unanswered.length);
    });
  }

  it('ZooKeeper out of reach: known keys are served for graceSeconds, then 503; back by itself', async () => {
    const running = producers[0] as Running;
    await waitFor(async () => (await running.post(`/${key}`, 'zookeeper is there')).status === 200, 20_000);
    proxy.refuse();
    const stopwatch = new Stopwatch();
    expect((await running.post(`/${key}`, 'within the grace')).status).to.equal(200);
    await waitFor(async () => (await running.post(`/${key}`, 'probe')).status === 503, 10_000);
    // Counted from its last word, up to a ping's pause ago.
    expect(stopwatch.wallMs).to.be.at.least(2_500);
    expect(stopwatch.ms).to.be.below(9_000);
    proxy.open();
    await waitFor(async () => (await running.post(`/${key}`, 'zookeeper is back')).status === 200, 15_000);
    expect(await occurrences('within the grace')).to.equal(1);
  });

  it('an expired session: another incarnation, and no acknowledged line is lost', async () => {
    const running = producers[0] as Running;
    const lanes = async () => {
      const session = sessions[1] as SessionCoordination;
      return new Set(await session.children('/Lanes'));
    };
    expect((await running.post(`/${key}`, 'before the expiry')).status).to.equal(200);
    const former = await lanes();
    expect(former.size).to.equal(2);
    await endSession(zookeeper, proxy.greeting);
    await waitFor(async () => [...await lanes()].filter((lane) => former.has(lane)).length === 1
      && (await lanes()).size === 2, 20_000);
    await waitFor(async () => (await running.post(`/${key}`, 'after the expiry')).status === 200, 10_000);
    expect(await occurrences('before the expiry')).to.equal(1);
  });

  it('a lane that another has sealed: not one 200 into it (schedule 1)', async () => {
    const running = producers[1] as Running;
    const recoverer = await openVolume();
    const answered: string[] = [];
    let sealing = false;
    const client = async (name: string): Promise<void> => {
      for (let round = 0; round < 60; round += 1) {
        const line = `sealed ${name} ${round}`;
        const answer = await running.post(`/${key}`, line);
        if (answer.status === 200) answered.push(line);
        else expect(answer.status).to.equal(503);
        if (round === 20 && !sealing) {
          sealing = true;
          for (const lane of await recoverer.journal.unfinishedLanes()) await recoverer.journal.seal(lane.id);
        }
      }
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(client));
    await waitFor(async () => (await running.post(`/${key}`, 'after the seals')).status === 200, 10_000);
    const lines = await stored();
    expect(answered.length).to.be.greaterThan(40);
    for (const line of answered) expect(lines.filter((candidate) => candidate === line), line).to.have.length(1);
  });

  it('stops gracefully: lanes sealed, nodes gone', async () => {
    for (const running of producers.splice(0)) await running.stop();
    expect(await (sessions[1] as SessionCoordination).children('/Lanes')).to.deep.equal([]);
    const lanes = await (volumes[0] as MongodbVolume).journal.unfinishedLanes();
    const open = lanes.filter((lane) => lane.sealedAt === undefined);
    expect(open).to.deep.equal([]);
  });
});
