import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import type { MongodbAccess } from '../../../src/archive/mongodb-access';
import { MongodbConnection } from '../../../src/archive/mongodb-connection';
import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import { systemClock } from '../../../src/clock';
import { UnavailableError } from '../../../src/errors';
import { parseHealth } from '../../../src/process/launch/health-probe';
import { readMembers } from '../../../src/process/replica-set';
import { SecuredMongod, serverTls } from '../../support/secured-servers';

const QUICK = { selectionMs: 1_500, socketMs: 3_000, serverMs: 3_000, operationMs: 3_000 };

describe('mongod that asks for passwords and speaks TLS', function () {
  this.timeout(120_000);
  let mongod: SecuredMongod;

  /** Does something with a connection of its own; the archive's own operations take the same way. */
  const connected = async <T>(
    access: MongodbAccess | undefined, use: (connection: MongodbConnection) => Promise<T>,
  ): Promise<T> => {
    const connection = new MongodbConnection({
      url: mongod.url, database: 'resilog', clock: systemClock, deadlines: QUICK, ...(access && { access }),
    });
    try {
      return await use(connection);
    } finally {
      await connection.close();
    }
  };
  const count = (access: MongodbAccess | undefined): Promise<number> => connected(access, (connection) =>
    connection.read('count', (session) => connection.db.collection('states').countDocuments({}, { session })));
  const refusalOf = (access: MongodbAccess | undefined): Promise<string> =>
    count(access).then(() => 'let in', (error: unknown) => {
      expect(error).to.be.instanceOf(UnavailableError);
      return (error as Error).message;
    });

  before(async () => { mongod = await SecuredMongod.start(await serverTls()); });
  after(() => mongod.remove());

  it('is made a replica set with the members\' key and by nobody else, also from the same host', async () => {
    const { authority } = mongod;
    const key = 'f'.repeat(128);
    expect(await mongod.initiate({ authority, key }).catch((error: unknown) => String(error))).to.match(/Authentication failed|not ready/);
    expect(await mongod.initiate({ authority }).catch((error: unknown) => String(error))).to.match(/refuses to initiate/);
    expect(await readMembers({ members: [mongod.member], access: mongod.rootAccess })).to.deep.equal([
      { member: mongod.member, state: 'not initiated' }]);
    expect(await mongod.initiate()).to.deep.equal({ initiated: true });
    expect(await mongod.initiate()).to.deep.equal({ initiated: false });
  });

  for (const role of ['producer', 'consumer', 'admin']) {
    it(`lets a ${role} prepare the archive and use it, and nothing else`, async () => {
      const volume = new MongodbVolume({
        name: 'main', url: mongod.url, database: 'resilog', clock: systemClock, access: mongod.access(role),
        keyWindowSeconds: { producer: 7_200, consumer: 9_000, admin: 10_800 }[role] ?? 0,
      });
      try {
        await volume.prepare();
        await volume.ping();
      } finally {
        await volume.close();
      }
      await connected(mongod.access(role), async ({ client }) => {
        const refusals = await Promise.all([
          client.db('other').collection<{ _id: number }>('x').insertOne({ _id: 1 }),
          client.db('admin').command({ createUser: 'x', pwd: 'x', roles: ['root'] }),
          client.db('admin').collection('system.users').find().toArray(),
          client.db('admin').command({ shutdown: 1 }),
        ].map((attempt) => attempt.then(() => 'allowed', (error: unknown) => (error as { codeName?: string }).codeName)));
        expect(refusals).to.deep.equal(['Unauthorized', 'Unauthorized', 'Unauthorized', 'Unauthorized']);
      });
    });
  }

  it('lets a launcher ask how it is, and see no line', async () => {
    const access = { mongodb: mongod.access('launcher'), solr: undefined };
    const probe = parseHealth(`mongodb://${mongod.member}/`, access);
    await probe.check();
    await probe.close();
    expect(await refusalOf(mongod.access('launcher'))).to.match(/not authorized/);
  });

  it('gives users a new password when the root is told one', async () => {
    const users = mongod.users.map(({ user }) => ({ user, password: `${user} anew` }));
    await mongod.initiate({ ...mongod.rootAccess, users });
    expect(await refusalOf(mongod.access('consumer'))).to.match(/Authentication failed/);
    expect(await count({ authority: mongod.authority, credentials: { user: 'consumer', password: 'consumer anew' } })).to.be.a('number');
    await mongod.initiate();
    expect(await count(mongod.access('consumer'))).to.be.a('number');
  });

  it('refuses who has no password, a wrong one, or an unknown name', async () => {
    const { authority } = mongod;
    expect(await refusalOf({ authority })).to.match(/requires authentication/);
    expect(await refusalOf({ authority, credentials: { user: 'consumer', password: 'wrong' } })).to.match(/Authentication failed/);
    expect(await refusalOf({ authority, credentials: { user: 'nobody', password: 'x' } })).to.match(/Authentication failed/);
  });

  it('is not trusted with a certificate of another authority, nor by who knows none', async () => {
    const { authority } = await serverTls({ secret: 'another cluster' });
    expect(await refusalOf({ ...mongod.access('consumer'), authority })).to.match(/certificate/);
    expect(await refusalOf({ credentials: mongod.access('consumer').credentials! })).to.match(/certificate/);
  });

  it('answers nobody who does not speak TLS', async () => {
    const client = new MongoClient(`mongodb://${mongod.member}/`, { directConnection: true, serverSelectionTimeoutMS: 1_500 });
    try {
      const hello = client.db('admin').command({ hello: 1 });
      expect(await hello.then(() => 'answered', (error: unknown) => String(error))).to.match(/closed/);
    } finally {
      await client.close();
    }
  });
});

describe('three mongod that ask for passwords and speak TLS', function () {
  this.timeout(120_000);

  it('make one set, whose members know one another by their key and certificates', async () => {
    const first = await SecuredMongod.start(await serverTls());
    const another = async (): Promise<SecuredMongod> => SecuredMongod.start(await serverTls(), first.key);
    const others = [await another(), await another()];
    try {
      expect(await first.initiate(first.rootAccess, others)).to.deep.equal({ initiated: true });
      const members = [first, ...others].map(({ member }) => member);
      const volume = new MongodbVolume({
        name: 'main', url: `mongodb://${members.join(',')}/?replicaSet=rs0&w=majority&journal=true&tls=true`, database: 'resilog',
        clock: systemClock, access: first.access('producer'),
      });
      try {
        await volume.prepare();
        await volume.ping();
      } finally {
        await volume.close();
      }
      const states = await readMembers({ members, access: first.access('launcher') });
      expect(states.map(({ state }) => state)).to.have.members(['primary', 'secondary', 'secondary']);
    } finally {
      await Promise.all([first, ...others].map((mongod) => mongod.remove()));
    }
  });
});

describe('a server with a certificate that is not to be trusted', function () {
  this.timeout(30_000);
  const cases = [
    ['for another address', { address: 'fd46::5' }, /is for IP Address:FD46:0:0:0:0:0:0:5, not for that address/],
    ['that has ended', { agedDays: 400 }, /certificate has expired/],
    ['of another authority', { secret: 'another cluster' }, /certificate/],
  ] as const;
  for (const [what, options, reason] of cases) {
    it(`is refused with one ${what}`, async () => {
      const { authority } = await serverTls();
      const { certificate, key } = await serverTls(options);
      const server = createServer({ key, cert: certificate }, (socket) => { socket.destroy(); });
      await new Promise<void>((resolve) => { server.listen({ host: '::1', port: 0 }, resolve); });
      const member = `[::1]:${(server.address() as AddressInfo).port}`;
      try {
        const [state] = await readMembers({ members: [member], access: { authority, key: 'k' } });
        expect(state?.state).to.equal('unreachable');
        expect(state?.problem).to.match(reason);
        for (const url of [`mongodb://${member}/`, `https://${member}/`]) {
          const probe = parseHealth(url, { mongodb: { authority }, solr: { authority } });
          expect(await probe.check().then(() => '', chainOf)).to.match(reason);
          await probe.close();
        }
      } finally {
        server.close();
      }
    });
  }
});

/** What an error and its causes say. */
function chainOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${chainOf(error.cause)}` : '';
}
