import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MongodbAccess } from '../../../src/archive/mongodb-access';
import { MongodbConnection } from '../../../src/archive/mongodb-connection';
import { systemClock } from '../../../src/clock';
import { converge } from '../../../src/process/members/converge';
import { MongodbTier } from '../../../src/process/members/mongodb-tier';
import type { WantedServer } from '../../../src/process/members/plan';
import { StateFile } from '../../../src/process/members/state';
import { readMembers } from '../../../src/process/replica-set';
import { SecuredMongod, serverTls } from '../../support/secured-servers';

const SETTLE_MS = 90_000;

/** As the root of a cluster brings its set in line: with the members' key, over TLS. */
describe('members of a replica set that asks for passwords and speaks TLS', function () {
  this.timeout(300_000);
  let folder: string;
  let first: SecuredMongod;
  const mongods: SecuredMongod[] = [];

  const start = async (): Promise<SecuredMongod> => {
    const mongod = await SecuredMongod.start(await serverTls(), mongods[0]?.key);
    mongods.push(mongod);
    return mongod;
  };
  const wanted = (members: readonly SecuredMongod[], incarnation = 'a'): WantedServer[] =>
    members.map((mongod, index) => ({ name: `mongodb-${index + 1}`, incarnation, address: mongod.member }));
  const settle = async (
    members: readonly WantedServer[], access = first.rootAccess, timeoutMs = SETTLE_MS,
  ): Promise<string> => {
    const state = new StateFile(join(folder, 'state.json'));
    const tiers = [new MongodbTier({ replicaSet: 'rs0', members }, access)];
    const [outcome] = await converge({ tiers, state, clock: systemClock, timeoutMs });
    return outcome?.problem ?? 'nothing came of it';
  };
  const noted = (): unknown => new StateFile(join(folder, 'state.json')).tier('mongodb')?.members;
  /** As a process of that role uses the archive. */
  const connected = async <T>(role: string, use: (connection: MongodbConnection) => Promise<T>): Promise<T> => {
    const connection = new MongodbConnection({ url: first.url, database: 'resilog', clock: systemClock, access: first.access(role) });
    try {
      return await use(connection);
    } finally {
      await connection.close();
    }
  };
  const write = (line: number): Promise<unknown> => connected('producer', (connection) =>
    connection.db.collection<{ _id: number }>('lines').insertOne({ _id: line }, { writeConcern: { w: 'majority' } }));
  const lines = (): Promise<number[]> => connected('consumer', async (connection) =>
    (await connection.db.collection<{ _id: number }>('lines').find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id));
  const states = async (access: MongodbAccess): Promise<string[]> => {
    const found = await readMembers({ members: mongods.map(({ member }) => member), access });
    return found.map(({ state }) => state).sort();
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    first = await start();
  });
  afterEach(async () => {
    await Promise.all(mongods.splice(0).map((mongod) => mongod.remove()));
    rmSync(folder, { recursive: true });
  });

  it('are made a set with its users, joined by others, replaced, and left by them; the users stay', async () => {
    expect(await settle(wanted([first]))).to.equal('');
    await write(1);
    const [second, third] = [await start(), await start()];
    expect(await settle(wanted([first, second, third]))).to.equal('');
    expect(noted()).to.deep.equal({ 'mongodb-1': 'a', 'mongodb-2': 'a', 'mongodb-3': 'a' });
    expect(await states(first.access('launcher'))).to.deep.equal(['primary', 'secondary', 'secondary']);
    await write(2);

    await third.remove();
    await write(3);
    const replacement = await start();
    const [lost] = wanted([replacement], 'b');
    expect(await settle([...wanted([first, second]), { ...lost, name: 'mongodb-3' }])).to.equal('');
    expect(noted()).to.deep.equal({ 'mongodb-1': 'a', 'mongodb-2': 'a', 'mongodb-3': 'b' });
    await write(4);

    expect(await settle(wanted([first]))).to.equal('');
    expect(noted()).to.deep.equal({ 'mongodb-1': 'a' });
    await Promise.all([second.remove(), replacement.remove()]);
    await write(5);
    expect(await lines()).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('are not made by who has another key, and one that has another gets neither vote nor lines', async () => {
    const key = 'f'.repeat(128);
    expect(await settle(wanted([first]), { ...first.rootAccess, key }, 5_000)).to.match(/Authentication failed|must be up first/);
    expect(noted() ?? {}).to.deep.equal({});
    expect(await settle(wanted([first]))).to.equal('');
    const stranger = await SecuredMongod.start(await serverTls(), key);
    mongods.push(stranger);
    expect(await settle(wanted([first, stranger]), first.rootAccess, 15_000)).to.match(/mongodb-2 copies the data/);
    // On a majority of one.
    await write(1);
    expect(await readMembers({ members: [stranger.member], access: stranger.rootAccess })).to.deep.equal([
      { member: stranger.member, state: 'not initiated' }]);
    expect(await settle(wanted([first]))).to.equal('');
    expect(noted()).to.deep.equal({ 'mongodb-1': 'a' });
    expect(await lines()).to.deep.equal([1]);
  });

  it('are not joined by one whose certificate is of another authority', async () => {
    expect(await settle(wanted([first]))).to.equal('');
    const stranger = await SecuredMongod.start(await serverTls({ secret: 'another cluster' }), first.key);
    mongods.push(stranger);
    expect(await settle(wanted([first, stranger]), first.rootAccess, 15_000)).to.match(/mongodb-2 does not answer yet/);
    expect(noted()).to.deep.equal({ 'mongodb-1': 'a' });
  });
});
