import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import { systemClock } from '../../../src/clock';
import { UnavailableError } from '../../../src/errors';
import { servers } from '../../support/servers';
import { TcpProxy } from '../../support/tcp-proxy';

describe('a volume whose mongod is up later than its user', function () {
  this.timeout(60_000);
  let proxy: TcpProxy;
  let volume: MongodbVolume;

  before(async () => {
    const [, host = '', port = ''] = /\/\/\[([^\]]+)\]:(\d+)/.exec((await servers()).mongodbUrl) ?? [];
    proxy = await TcpProxy.start({ host, port: Number(port) });
    volume = new MongodbVolume({
      name: 'late', url: `mongodb://[::1]:${proxy.port}/?directConnection=true`, clock: systemClock,
      database: `late-${randomBytes(6).toString('hex')}`,
      deadlines: { selectionMs: 500, socketMs: 5_000, serverMs: 4_500, operationMs: 5_000 },
    });
  });

  after(async () => {
    await volume.connection.db.dropDatabase();
    await volume.close();
    await proxy.close();
  });

  it('is refused at first, and works as soon as mongod answers', async () => {
    proxy.refuse();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const error = await volume.prepare().then(() => undefined, (reason: unknown) => reason);
      expect(error).to.be.instanceOf(UnavailableError);
    }
    proxy.open();
    await volume.prepare();
    await volume.ping();
  });
});
