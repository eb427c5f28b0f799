import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { MongoClient, type Collection } from 'mongodb';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock';
import { converge } from '../../../src/process/members/converge';
import { MongodbTier } from '../../../src/process/members/mongodb-tier';
import type { WantedServer } from '../../../src/process/members/plan';
import { StateFile } from '../../../src/process/members/state';
import { replicaSetCommand } from '../../../src/process/replica-set-command';
import { checkout } from '../../support/checkout';
import { Mongods } from './mongods';

interface SetEntry {
  readonly host: string;
  readonly votes: number;
  readonly priority: number;
  readonly tags: Readonly<Record<string, string>>;
}

describe('members of a replica set', function () {
  this.timeout(300_000);
  let mongods: Mongods;
  let folder: string;
  let wanted: WantedServer[];
  const clients: MongoClient[] = [];

  const settle = async (members: readonly WantedServer[], timeoutMs = 90_000): Promise<string> => {
    const state = new StateFile(join(folder, 'state.json'));
    const tiers = [new MongodbTier({ replicaSet: 'rs0', members })];
    const [outcome] = await converge({ tiers, state, clock: systemClock, timeoutMs });
    return outcome?.problem ?? 'nothing came of it';
  };
  const server = async (name: string, incarnation: string): Promise<WantedServer> =>
    ({ name, incarnation, address: await mongods.start() });
  const entries = async (member: WantedServer): Promise<readonly SetEntry[]> =>
    ((await replicaSetCommand(member.address ?? '', undefined, 'member', { replSetGetConfig: 1 }, 5_000)).config as { members: SetEntry[] }).members;
  const names = async (member: WantedServer): Promise<string[]> =>
    (await entries(member)).map(({ tags }) => `${tags.member ?? ''}/${tags.incarnation ?? ''}`).sort();
  const noted = (): unknown => new StateFile(join(folder, 'state.json')).tier('mongodb')?.members;
  /** As the archive writes: on a majority. The client is never told of another address. */
  const writer = async (member: WantedServer): Promise<Collection> => {
    const client = new MongoClient(`mongodb://${member.address ?? ''}/?replicaSet=rs0&w=majority&journal=true`);
    clients.push(client);
    return client.db('test').collection('lines');
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    mongods = await Mongods.open();
    wanted = [await server('mongodb-1', 'a')];
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await mongods?.close();
    rmSync(folder, { recursive: true });
  });

  it('come and go while a client writes, and no acknowledged document is lost', async () => {
    const [first] = wanted;
    if (first === undefined) throw new Error('there is no member');
    expect(await settle(wanted)).to.equal('');
    const lines = await writer(first);
    const acknowledged: number[] = [];
    let stop = false;
    const writing = (async () => {
      for (let line = 0; !stop; line += 1) {
        await lines.insertOne({ line }).then(() => acknowledged.push(line), () => undefined);
      }
    })();
    const three = [first, await server('mongodb-2', 'a'), await server('mongodb-3', 'a')];
    expect(await settle(three)).to.equal('');
    expect(await names(first)).to.deep.equal(['mongodb-1/a', 'mongodb-2/a', 'mongodb-3/a']);
    const votes = (await entries(first)).map((entry) => [entry.votes, entry.priority]);
    expect(votes).to.deep.equal([[1, 1], [1, 1], [1, 1]]);
    expect(noted()).to.deep.equal({ 'mongodb-1': 'a', 'mongodb-2': 'a', 'mongodb-3': 'a' });
    expect(await settle([first])).to.equal('');
    expect(noted()).to.deep.equal({ 'mongodb-1': 'a' });
    stop = true;
    await writing;
    for (const member of three.slice(1)) await mongods.kill(member.address ?? '');
    const found = (await lines.find().toArray()).map(({ line }) => line as number);
    expect(acknowledged.length).to.be.above(0);
    expect(acknowledged.filter((line) => !found.includes(line))).to.deep.equal([]);
    expect(new Set(found).size).to.equal(found.length);
  });

  it('take out the primary too, after it has handed over', async () => {
    const [first] = wanted;
    if (first === undefined) throw new Error('there is no member');
    const second = await server('mongodb-2', 'a');
    expect(await settle([first, second])).to.equal('');
    await (await writer(first)).insertOne({ line: 1 });
    expect(await settle([second])).to.equal('');
    expect(await names(second)).to.deep.equal(['mongodb-2/a']);
    expect(await (await writer(second)).countDocuments()).to.equal(1);
  });

  for (const where of ['at another address', 'at the same address']) {
    it(`are replaced when their data are gone, ${where}`, async () => {
      wanted = [...wanted, await server('mongodb-2', 'a'), await server('mongodb-3', 'a')];
      const [first, , third] = wanted;
      if (first === undefined || third === undefined) throw new Error('there are no members');
      expect(await settle(wanted)).to.equal('');
      const lines = await writer(first);
      await lines.insertOne({ line: 1 });
      await mongods.kill(third.address ?? '');
      await lines.insertOne({ line: 2 });
      const address = where === 'at another address' ? await mongods.start() : third.address ?? '';
      // What the former one had must be out before an empty one starts at its address.
      const replaced = [...wanted.slice(0, 2), { name: 'mongodb-3', incarnation: 'b', address }];
      expect(await settle(replaced, where === 'at another address' ? 90_000 : 20_000)).to.equal(
        where === 'at another address' ? '' : 'mongodb-3 does not answer yet');
      if (where === 'at the same address') {
        expect(noted()).to.deep.equal({ 'mongodb-1': 'a', 'mongodb-2': 'a' });
        await mongods.startAt(address);
        expect(await settle(replaced)).to.equal('');
      }
      expect(await names(first)).to.deep.equal(['mongodb-1/a', 'mongodb-2/a', 'mongodb-3/b']);
      const replacement = new MongoClient(`mongodb://${address}/?directConnection=true`);
      clients.push(replacement);
      const copied = replacement.db('test').collection('lines').find({}, { readPreference: 'secondaryPreferred' });
      expect((await copied.toArray()).map(({ line }) => line as number)).to.deep.equal([1, 2]);
    });
  }

  it('keep who has no address at present', async () => {
    wanted = [...wanted, await server('mongodb-2', 'a')];
    expect(await settle(wanted)).to.equal('');
    expect(await settle([...wanted.slice(0, 1), { name: 'mongodb-2' }])).to.equal('');
    expect(await names(wanted[0] ?? { name: '' })).to.deep.equal(['mongodb-1/a', 'mongodb-2/a']);
  });

  it('are not made anew when all of them have lost their data', async () => {
    expect(await settle(wanted)).to.equal('');
    await mongods.startAt(wanted[0]?.address ?? '');
    expect(await settle([{ ...wanted[0], name: 'mongodb-1', incarnation: 'b' }], 5_000)).to.include('has lost its data');
  });

  it('are what is wanted after the command was killed again and again', async () => {
    wanted = [...wanted, await server('mongodb-2', 'a'), await server('mongodb-3', 'a')];
    const plan = join(folder, 'plan.json');
    writeFileSync(plan, JSON.stringify({ mongodb: { replicaSet: 'rs0', members: wanted } }));
    const args = ['--require', 'ts-node/register/transpile-only', join(checkout, 'src', 'process', 'main.ts'),
      'members', 'converge', '--plan', plan, '--state', join(folder, 'state.json'), '--timeout', '90s'];
    const run = (killAfterMs?: number): Promise<number | null> => new Promise((resolve) => {
      const child = spawn(process.execPath, args, { stdio: 'ignore', cwd: checkout });
      child.once('exit', (code) => { resolve(code); });
      if (killAfterMs !== undefined) void systemClock.sleep(killAfterMs).then(() => child.kill('SIGKILL'));
    });
    for (const killAfterMs of [1_500, 2_500, 3_500, 4_500]) await run(killAfterMs);
    expect(await run()).to.equal(0);
    expect(await names(wanted[0] ?? { name: '' })).to.deep.equal(['mongodb-1/a', 'mongodb-2/a', 'mongodb-3/a']);
    expect((await entries(wanted[0] ?? { name: '' })).every(({ votes }) => votes === 1)).to.equal(true);
  });
});
