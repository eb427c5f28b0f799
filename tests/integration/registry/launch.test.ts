import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { ConfigurationError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import { runLaunch, type LaunchOptions } from '../../../src/process/launch/launch';
import { parseHealth } from '../../../src/process/launch/health-probe';
import { initialise } from '../../../src/registry/bootstrap';
import type { Coordination } from '../../../src/registry/coordination';
import { readMembers } from '../../../src/registry/presence';
import { failure, until } from '../../conformance/registry/coordination-suite';
import { openZooKeeperWorld, type ZooKeeperBreakable, type ZooKeeperWorld } from '../../conformance/registry/zookeeper-world';
import { freeBasePort } from '../../support/free-ports';
import { childrenOf, isAlive } from '../../support/process-tree';
import { servers } from '../../support/servers';
import { Stopwatch } from '../../support/stopwatch';

const connections = { mongodb: { volumes: [{ name: 'v', url: 'mongodb://x/' }] }, solr: { urls: ['http://x/solr'] } };

/** A component that answers `ping` with `pong`; ends with 7 on SIGTERM, or ignores it. */
const COMPONENT = `
const server = require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', () => socket.end('pong'));
});
server.listen(Number(process.argv[1]), '::1');
server.on('error', () => process.exit(3));
process.on('SIGTERM', () => { if (process.argv[2] !== 'stubborn') process.exit(7); });
process.on('SIGHUP', () => process.exit(9));
`;

/** Says pong: merely to connect is not enough, since a socket can connect to itself. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '::1', port }, () => socket.write('ping'));
    socket.on('data', (data) => {
      resolve(data.toString() === 'pong');
      socket.destroy();
    });
    socket.on('error', () => { resolve(false); });
    socket.on('close', () => { resolve(false); });
  });
}

describe('resilog launch', function () {
  this.timeout(300_000);
  let folder: string;
  let port: number;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-launch-'));
    port = await freeBasePort();
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function command(...more: string[]): string[] {
    return [process.execPath, '-e', COMPONENT, String(port), ...more];
  }

  describe('with its presence in ZooKeeper', () => {
    let world: ZooKeeperWorld;
    let own: ZooKeeperBreakable;
    let observer: Coordination;
    let signals: EventEmitter;
    let ended: Promise<number> | undefined;

    beforeEach(async () => {
      world = await openZooKeeperWorld();
      own = await world.connect();
      observer = (await world.connect()).coordination;
      signals = new EventEmitter();
      await initialise({ coordination: observer, connections, clock: systemClock, random: systemRandom });
    });

    afterEach(async () => {
      signals.emit('SIGHUP', 'SIGHUP');
      await ended;
      await world.close();
    });

    function launch(change: Partial<LaunchOptions> = {}): Promise<number> {
      ended = runLaunch({
        kind: 'SolrCloud', member: 's1', address: `[::1]:${port}`, health: `tcp:[::1]:${port}:ping=pong`,
        command: command(), data: folder, clock: systemClock, log: silentLog, signals,
        connect: () => own.coordination, healthIntervalMs: 100, ...change,
      });
      return ended;
    }

    async function present(): Promise<boolean> {
      return (await readMembers(observer, 'SolrCloud')).length === 1;
    }

    it('publishes a healthy component with its facts, and withdraws it while it is not', async () => {
      void launch();
      await until(present, 'published');
      const presence = (await readMembers(observer, 'SolrCloud'))[0];
      expect(presence).to.include({ kind: 'SolrCloud', member: 's1', address: `[::1]:${port}` });
      await until(async () => typeof (await readMembers(observer, 'SolrCloud'))[0]?.facts?.diskFreeBytes === 'number', 'facts');
      expect((await readMembers(observer, 'SolrCloud'))[0]?.facts?.diskUsedFraction).to.be.within(0, 1);
      const pid = presence?.pid ?? 0;
      process.kill(pid, 'SIGSTOP');
      await until(async () => !(await present()), 'withdrawn');
      process.kill(pid, 'SIGCONT');
      await until(present, 'published again');
    });

    it('ends one that was healthy and stays unhealthy although ZooKeeper is in reach, when told to', async () => {
      const code = launch({ renewAfterMs: 1_000 });
      await until(present, 'published');
      process.kill((await readMembers(observer, 'SolrCloud'))[0]?.pid ?? 0, 'SIGSTOP');
      await until(async () => !(await present()), 'withdrawn');
      // It hangs, so SIGTERM is not enough.
      expect(await code).to.equal(137);
    });

    it('leaves a component that stays unhealthy alone while ZooKeeper is away, for that may be why', async () => {
      const code = launch({ renewAfterMs: 1_000 });
      await until(present, 'published');
      const pid = (await readMembers(observer, 'SolrCloud'))[0]?.pid ?? 0;
      await own.loseConnection();
      await until(() => own.coordination.state !== 'connected', 'without ZooKeeper');
      process.kill(pid, 'SIGSTOP');
      // Several times as long as it may be unhealthy, and as a look at its health takes.
      expect(await Promise.race([code, systemClock.sleep(8_000).then(() => 'left alone')])).to.equal('left alone');
      expect(isAlive(pid)).to.equal(true);
      await own.reconnect();
      expect(await code, 'now it is its own fault').to.equal(137);
    });

    it('passes SIGTERM on, withdraws first, and ends with the exit code of the child', async () => {
      const code = launch();
      await until(present, 'published');
      signals.emit('SIGTERM', 'SIGTERM');
      expect(await code).to.equal(7);
      expect(await present()).to.equal(false);
    });

    it('ends with 128 + n when a signal ends the child, and the presence goes', async () => {
      const code = launch();
      await until(present, 'published');
      process.kill((await readMembers(observer, 'SolrCloud'))[0]?.pid ?? 0, 'SIGKILL');
      expect(await code).to.equal(137);
      expect(await present()).to.equal(false);
    });

    it('publishes again after its session expired', async () => {
      void launch();
      await until(present, 'published');
      await own.expireSession();
      const node = '/Configuration/SolrCloud/s1';
      await until(async () =>
        own.coordination.state === 'connected'
        && (await observer.exists(node))?.ephemeralOwner === own.coordination.sessionId, 'published in the new session');
    });

    it('starts while ZooKeeper is down, and publishes when it comes', async () => {
      await own.loseConnection();
      await until(() => own.coordination.state === 'suspended', 'suspended');
      void launch();
      await until(() => answers(port), 'started');
      await own.reconnect();
      await until(present, 'published');
    });

    it('waits with the start until ZooKeeper is there, when told to', async () => {
      await own.loseConnection();
      await until(() => own.coordination.state === 'suspended', 'suspended');
      void launch({ afterRegistry: true });
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(await answers(port)).to.equal(false);
      await own.reconnect();
      await until(present, 'published');
      expect(await answers(port)).to.equal(true);
    });

    it('ends one that was still starting when ZooKeeper went, and is not healthy although that is back', async () => {
      const code = launch({ health: `tcp:[::1]:${port}:ping=something else`, afterRegistry: true, renewAfterMs: 1_000 });
      await until(() => answers(port), 'started');
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect(await answers(port), 'while ZooKeeper stays').to.equal(true);
      await own.loseConnection();
      await until(() => own.coordination.state === 'suspended', 'suspended');
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await own.reconnect();
      expect(await code).to.equal(7);
    });

    it('waits only a third of the time for one that was without ZooKeeper for long while it started', async () => {
      const code = launch({ health: `tcp:[::1]:${port}:ping=something else`, afterRegistry: true, renewAfterMs: 15_000 });
      await until(() => answers(port), 'started');
      await own.loseConnection();
      await until(() => own.coordination.state === 'suspended', 'suspended');
      await systemClock.sleep(6_000);
      await own.reconnect();
      expect(await Promise.race([code, systemClock.sleep(12_000).then(() => 'too late')])).to.equal(7);
    });

    it('ends at a signal while it waits with the start', async () => {
      await own.loseConnection();
      await until(() => own.coordination.state === 'suspended', 'suspended');
      const code = launch({ afterRegistry: true });
      await new Promise((resolve) => setTimeout(resolve, 500));
      signals.emit('SIGTERM', 'SIGTERM');
      expect(await code).to.equal(143);
      expect(await answers(port)).to.equal(false);
    });

    it('ends a component that never becomes healthy, so that it is started anew', async () => {
      const stopwatch = new Stopwatch();
      expect(await launch({ health: `tcp:[::1]:${port}:ping=something else`, startDeadlineMs: 1_500 })).to.equal(7);
      expect(stopwatch.wallMs).to.be.at.least(1_500);
      expect(stopwatch.ms).to.be.lessThan(10_000);
    });

    it('leaves a component alone that was healthy once', async () => {
      const code = launch({ startDeadlineMs: 4_000 });
      await until(present, 'published');
      const pid = (await readMembers(observer, 'SolrCloud'))[0]?.pid ?? 0;
      process.kill(pid, 'SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      expect(isAlive(pid)).to.equal(true);
      process.kill(pid, 'SIGCONT');
      signals.emit('SIGTERM', 'SIGTERM');
      expect(await code).to.equal(7);
    });

    it('says when there is nothing to start', async () => {
      expect(await launch({ command: ['/nowhere/to/be/found'] })).to.equal(127);
      expect(await failure(launch({ command: [] }))).to.be.instanceOf(ConfigurationError);
      ended = undefined;
    });
  });

  describe('when the launcher is killed', () => {
    let launcher: ChildProcess;

    function start(...more: string[]): ChildProcess {
      launcher = spawn(process.execPath, [
        '--require', 'ts-node/register', join(__dirname, 'launch-main.ts'), `tcp:[::1]:${port}`, folder, ...command(...more),
      ], { stdio: ['ignore', 'ignore', 'inherit'] });
      return launcher;
    }

    afterEach(async () => {
      launcher.kill('SIGKILL');
      await until(async () => !(await answers(port)), 'nothing left');
    });

    it('its child is gone within five seconds, even one that ignores SIGTERM, and its guard too', async () => {
      for (const way of ['polite', 'stubborn']) {
        start(way);
        await until(() => answers(port), 'started');
        const pids = childrenOf(launcher.pid ?? 0);
        expect(pids.length).to.equal(2);
        launcher.kill('SIGKILL');
        await until(() => pids.every((pid) => !isAlive(pid)), 'gone', 5_000);
      }
    });

    it('a restart at once works: the next launcher waits for the former child', async () => {
      start('stubborn');
      await until(() => answers(port), 'started');
      const former = childrenOf(launcher.pid ?? 0);
      launcher.kill('SIGKILL');
      start();
      await until(() => former.every((pid) => !isAlive(pid)), 'former gone');
      await until(() => answers(port), 'started again');
      expect(launcher.exitCode).to.equal(null);
      launcher.kill('SIGTERM');
      await new Promise((resolve) => launcher.once('exit', resolve));
      expect(launcher.exitCode).to.equal(7);
    });

    it('a guard that dies is replaced', async () => {
      start();
      await until(() => answers(port), 'started');
      const [child, guard] = childrenOf(launcher.pid ?? 0);
      process.kill(guard ?? 0, 'SIGKILL');
      await until(() => childrenOf(launcher.pid ?? 0).some((pid) => pid !== child && pid !== guard), 'replaced');
      await new Promise((resolve) => setTimeout(resolve, 200));
      launcher.kill('SIGKILL');
      await until(() => !isAlive(child ?? 0), 'gone', 5_000);
    });

    it('a clean stop leaves nothing', async () => {
      start();
      await until(() => answers(port), 'started');
      const pids = childrenOf(launcher.pid ?? 0);
      launcher.kill('SIGINT');
      await new Promise((resolve) => launcher.once('exit', resolve));
      expect(launcher.exitCode).to.equal(130);
      await until(() => pids.every((pid) => !isAlive(pid)), 'gone', 2_000);
    });
  });

  describe('health checks', () => {
    it('of the real servers succeed', async () => {
      const { mongodbUrl, zookeeper, solrUrl } = await servers();
      const member = /^mongodb:\/\/([^/,]+)/.exec(mongodbUrl)?.[1] ?? '';
      const checks = [
        `mongodb://${member}/`,
        `tcp:[${zookeeper[0]?.host}]:${zookeeper[0]?.port}:ruok=imok`,
        `${solrUrl}/admin/info/health`,
        'exec:true',
      ];
      for (const text of checks) {
        const probe = parseHealth(text);
        await probe.check();
        await probe.check();
        await probe.close();
      }
    });

    it('fail when nobody answers, and when the answer is another', async () => {
      const texts = [`tcp:[::1]:${port}`, `http://[::1]:${port}/`, `mongodb://[::1]:${port}/`, 'exec:exit 3'];
      for (const text of texts) {
        const probe = parseHealth(text);
        expect(await failure(probe.check()), text).to.be.instanceOf(Error);
        await probe.close();
      }
      const { zookeeper, solrUrl } = await servers();
      const wrong = parseHealth(`tcp:[${zookeeper[0]?.host}]:${zookeeper[0]?.port}:ruok=yes`);
      expect((await failure(wrong.check())).message).to.contain('imok');
      expect((await failure(parseHealth(`${solrUrl}/nowhere`).check())).message).to.contain('404');
    });

    it('are refused when they are none', () => {
      for (const text of ['', 'tcp:', 'tcp:[::1]', 'tcp:[::1]:99999', 'ftp://x', 'exec:']) {
        expect(() => parseHealth(text), text).to.throw(ConfigurationError);
      }
    });
  });
});
