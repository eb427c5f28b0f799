import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runClusterTool } from '../../support/checkout';
import { startCluster, type Cluster } from '../../support/cluster';
import { listenersOf } from '../../support/listeners';
import { isAlive } from '../../support/process-tree';

describe('local cluster', () => {
  let cluster: Cluster;

  before(async function () {
    this.timeout(300_000);
    cluster = await startCluster({ onlyServers: true });
  });

  after(async function () {
    this.timeout(300_000);
    await cluster.stop();
  });

  it('has one healthy server of each kind', async () => {
    const { ready, components } = await cluster.status();
    expect(ready).to.equal(true);
    expect(components.map((member) => [member.name, member.state])).to.deep.equal([
      ['zookeeper-1', 'healthy'], ['mongodb-1', 'healthy'], ['solr-1', 'healthy'],
    ]);
  });

  it('listens on its own IPv6 address only: no IPv4, no wildcard', async () => {
    const supervised = (await cluster.status()).components.map((member) => member.pid ?? 0);
    const found = listenersOf(supervised);
    expect(found.map(({ port }) => port - cluster.basePort).sort((a, b) => a - b)).to.deep.equal([1, 11, 21, 31, 41]);
    expect(new Set(found.map(({ address }) => address))).to.deep.equal(new Set(['::1']));
  });

  for (const name of ['zookeeper-1', 'mongodb-1', 'solr-1']) {
    it(`brings ${name} back after kill -9`, async function () {
      this.timeout(300_000);
      const killed = await cluster.kill9(name);
      while (isAlive(killed)) await sleep(50);
      await cluster.waitUntilReady(80_000);
      expect(await cluster.pid(name)).not.to.equal(killed);
    });
  }

  it('says which member is not healthy, where its log is, and ends with 69', async function () {
    this.timeout(300_000);
    await cluster.stopMember('mongodb-1');
    const { code, stdout } = await runClusterTool(['status', '--var', cluster.folder]);
    expect(code).to.equal(69);
    expect(stdout).to.match(/mongodb-1 .*stopped/);
    expect(stdout).to.match(/not listening on \[::1\]:\d+; its log is .*mongodb-1\.log/);
    await cluster.startMember('mongodb-1');
    await cluster.waitUntilReady();
  });

  it('starts again over its own data, as the same replica set', async function () {
    this.timeout(300_000);
    const up = ['up', '--var', cluster.folder, '--only-servers', '--base-port', String(cluster.basePort)];
    expect(await runClusterTool(['down', '--var', cluster.folder])).to.include({ code: 0 });
    const { code } = await runClusterTool(['status', '--var', cluster.folder]);
    expect(code).to.equal(69);
    expect(await runClusterTool(up)).to.include({ code: 0 });
    expect(await runClusterTool(up)).to.include({ code: 0 });
    expect((await cluster.status()).ready).to.equal(true);
  });

  it('refuses to turn one member into three, with a remedy', async () => {
    const { code, stderr } = await runClusterTool([
      'up', '--var', cluster.folder, '--only-servers', '--base-port', String(cluster.basePort), '--members', '3']);
    expect(code).to.equal(78);
    expect(stderr).to.match(/whose members is 1, not 3: .*make clean/);
  });

  it('ends what a killed supervisord left behind, and starts anew', async function () {
    this.timeout(300_000);
    const supervisord = Number(readFileSync(`${cluster.folder}/supervisord.pid`, 'utf8'));
    const orphan = await cluster.pid('mongodb-1');
    process.kill(supervisord, 'SIGKILL');
    while (isAlive(supervisord)) await sleep(50);
    const { code, stderr } = await runClusterTool([
      'up', '--var', cluster.folder, '--only-servers', '--base-port', String(cluster.basePort)]);
    expect(code, stderr).to.equal(0);
    expect(isAlive(orphan)).to.equal(false);
  });
});

describe('options of the local cluster', () => {
  const refused: [string, string[], RegExp][] = [
    ['an IPv4 address', ['--address', '127.0.0.1'], /"127.0.0.1" is not an IPv6 address/],
    ['the wildcard', ['--address', '::'], /"::" is not the address of one host/],
    ['no members', ['--members', '0'], /members is 0, and has to be from 1 to 9/],
    ['a base port beyond the last', ['--base-port', '65500'], /base port is 65500/],
    ['an address that is not among the hosts', ['--hosts', 'fd00::1 fd00::2'], /not among the hosts/],
  ];
  for (const [what, args, message] of refused) {
    it(`refuse ${what}`, async () => {
      const { code, stderr } = await runClusterTool(['up', '--var', '/nonexistent/var', '--only-servers', ...args]);
      expect(code).to.equal(78);
      expect(stderr).to.match(message);
    });
  }
});
