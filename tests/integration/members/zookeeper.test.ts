import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock';
import { silentLog } from '../../../src/log';
import { converge } from '../../../src/process/members/converge';
import type { WantedZooKeeper } from '../../../src/process/members/plan';
import { StateFile } from '../../../src/process/members/state';
import { ZooKeeperTier } from '../../../src/process/members/zookeeper-tier';
import { systemRandom } from '../../../src/random';
import type { Coordination } from '../../../src/registry/coordination';
import { connectZooKeeper } from '../../../src/registry/zookeeper-coordination';
import { readEnsemble } from '../../../src/registry/zookeeper-ensemble';
import { checkout } from '../../support/checkout';
import { ZooKeepers } from './zookeepers';

describe('members of an ensemble', function () {
  this.timeout(240_000);
  let zookeepers: ZooKeepers;
  let folder: string;
  let first: WantedZooKeeper;
  let known: readonly WantedZooKeeper[];
  let registry: Coordination;

  const settle = async (
    members: readonly WantedZooKeeper[], timeoutMs = 60_000, superuser = zookeepers.superuser,
  ): Promise<string> => {
    const state = new StateFile(join(folder, 'state.json'));
    const [outcome] = await converge({
      tiers: [new ZooKeeperTier({ members }, superuser)], state, clock: systemClock, timeoutMs,
    });
    return outcome?.problem ?? 'nothing came of it';
  };
  const idsAt = async ({ host = '', port }: WantedZooKeeper): Promise<number[]> =>
    (await readEnsemble({ host, port })).servers.map(({ id }) => id);
  const noted = (): unknown => new StateFile(join(folder, 'state.json')).tier('zookeeper')?.members;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    zookeepers = await ZooKeepers.open();
    first = zookeepers.member(1);
    known = [first];
    zookeepers.start(first, [first]);
    expect(await settle([first])).to.equal('');
    registry = connectZooKeeper({
      servers: () => known.map(({ host = '', port }) => ({ host, port })), chroot: '', clock: systemClock, random: systemRandom,
      log: silentLog,
    });
    await registry.create('/kept', Buffer.from('1'));
  });
  afterEach(async () => {
    await registry?.close();
    await zookeepers?.close();
    rmSync(folder, { recursive: true });
  });

  it('come and go, with the same session and the same data', async () => {
    const session = registry.sessionId;
    const three = [first, zookeepers.member(2), zookeepers.member(3)];
    for (const member of three.slice(1)) zookeepers.start(member, [first]);
    expect(await settle(three)).to.equal('');
    expect(await idsAt(first)).to.deep.equal([1, 2, 3]);
    expect(noted()).to.deep.equal({ 'zookeeper-1': 'a', 'zookeeper-2': 'a', 'zookeeper-3': 'a' });
    await registry.create('/with-three', Buffer.alloc(0));
    expect(await settle([first])).to.equal('');
    expect(await idsAt(first)).to.deep.equal([1]);
    for (const id of [2, 3]) await zookeepers.kill(id);
    await registry.create('/with-one', Buffer.alloc(0));
    expect(await registry.exists('/with-three')).not.to.equal(undefined);
    expect(registry.sessionId).to.equal(session);
  });

  it('are replaced when their data are gone, the first and the leader too', async () => {
    let members = [first, zookeepers.member(2), zookeepers.member(3)];
    for (const member of members.slice(1)) zookeepers.start(member, [first]);
    expect(await settle(members)).to.equal('');
    for (const id of [3, 1]) {
      known = members.filter((member) => member.id !== id);
      await zookeepers.kill(id);
      const replacement = zookeepers.member(id, 'b');
      members = members.map((member) => (member.id === id ? replacement : member));
      // It is taken out before it may start.
      expect(await settle(members, 20_000)).to.equal(`zookeeper-${id} does not serve yet`);
      expect(noted()).not.to.have.property(`zookeeper-${id}`);
      zookeepers.start(replacement, known);
      expect(await settle(members)).to.equal('');
      known = members;
    }
    expect(noted()).to.deep.equal({ 'zookeeper-1': 'b', 'zookeeper-2': 'a', 'zookeeper-3': 'b' });
    await zookeepers.kill(2);
    expect((await registry.get('/kept'))?.data.toString()).to.equal('1');
  });

  it('are as they were without the right password', async () => {
    const two = [first, zookeepers.member(2)];
    zookeepers.start(two[1] ?? first, [first]);
    expect(await settle(two, 15_000, 'super:wrong')).to.include('the credentials are not those of its superuser');
    expect(await idsAt(first)).to.deep.equal([1]);
  });

  it('are what is wanted after the command was killed again and again', async () => {
    const three = [first, zookeepers.member(2), zookeepers.member(3)];
    for (const member of three.slice(1)) zookeepers.start(member, [first]);
    writeFileSync(join(folder, 'plan.json'), JSON.stringify({ zookeeper: { members: three } }));
    writeFileSync(join(folder, 'superuser'), zookeepers.superuser);
    const run = (killAfterMs?: number): Promise<number | null> => new Promise((resolve) => {
      const child = spawn(process.execPath, ['--require', 'ts-node/register/transpile-only', join(checkout, 'src', 'process', 'main.ts'),
        'members', 'converge', '--plan', join(folder, 'plan.json'), '--state', join(folder, 'state.json'),
        '--superuser', join(folder, 'superuser'), '--timeout', '60s'], { stdio: 'ignore', cwd: checkout });
      child.once('exit', (code) => { resolve(code); });
      if (killAfterMs !== undefined) void systemClock.sleep(killAfterMs).then(() => child.kill('SIGKILL'));
    });
    for (const killAfterMs of [1_500, 2_000, 2_500]) await run(killAfterMs);
    expect(await run()).to.equal(0);
    expect(await idsAt(first)).to.deep.equal([1, 2, 3]);
  });
});
