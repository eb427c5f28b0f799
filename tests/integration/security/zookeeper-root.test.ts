import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { PermissionError, UnavailableError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import { Access, digestIdentity } from '../../../src/registry/access';
import type { Coordination } from '../../../src/registry/coordination';
import { connectZooKeeper } from '../../../src/registry/zookeeper-coordination';
import { closeZooKeeperRoot } from '../../../src/registry/zookeeper-root';
import { PrivateZooKeeper } from '../../support/private-zookeeper';

const ADMIN = 'admin:a';
const CREATOR = 'solr:b';

describe('a ZooKeeper that belongs to one cluster', function () {
  this.timeout(60_000);
  let zookeeper: PrivateZooKeeper;

  const close = (credentials: string, port = zookeeper.port): Promise<void> => closeZooKeeperRoot({
    servers: [{ host: '::1', port }], credentials, identity: digestIdentity(credentials), creators: [digestIdentity(CREATOR)],
    clock: systemClock, log: silentLog, timeoutMs: 5_000,
  });
  const as = async <T>(credentials: string | undefined, use: (tree: Coordination) => Promise<T>): Promise<T> => {
    const tree = connectZooKeeper({
      servers: [{ host: '::1', port: zookeeper.port }], chroot: '', clock: systemClock, random: systemRandom, log: silentLog,
      ...(credentials === undefined ? {} : {
        credentials, access: () => [{ identity: digestIdentity(credentials), access: Object.values(Access) }],
      }),
    });
    try {
      return await use(tree);
    } finally {
      await tree.close();
    }
  };
  const refusal = (attempt: Promise<unknown>): Promise<unknown> => attempt.then(() => 'let in', (error: unknown) => error);

  before(async () => { zookeeper = await PrivateZooKeeper.start(); });
  after(() => zookeeper.close());

  it('is open to everybody at first', async () => {
    await as(undefined, (tree) => tree.create('/anybody', Buffer.alloc(0)));
    await as(undefined, (tree) => tree.remove('/anybody'));
  });

  it('is closed by its administrator, who may repeat it', async () => {
    await close(ADMIN);
    await close(ADMIN);
    await as(ADMIN, async (tree) => {
      await tree.create('/cluster', Buffer.alloc(0));
      expect(await tree.children('/')).to.have.members(['cluster', 'zookeeper']);
    });
  });

  it('lets strangers make nothing, nowhere, and see nothing', async () => {
    for (const stranger of [undefined, 'admin:wrong', 'x:y']) {
      await as(stranger, async (tree) => {
        for (const attempt of [
          tree.create('/x', Buffer.alloc(0)), tree.create('/zookeeper/x', Buffer.alloc(0)), tree.create('/cluster/x', Buffer.alloc(0)),
          tree.create('/zookeeper/quota/x', Buffer.alloc(0)), tree.children('/'), tree.children('/zookeeper/quota'), tree.remove('/cluster'),
        ]) {
          expect(await refusal(attempt)).to.be.instanceOf(PermissionError);
        }
      });
    }
    expect(await refusal(close('other:x'))).to.be.instanceOf(PermissionError);
  });

  it('lets SolrCloud make its own node, and take away no other', async () => {
    await as(CREATOR, async (tree) => {
      await tree.create('/solr', Buffer.alloc(0));
      await tree.create('/solr/x', Buffer.alloc(0));
      expect(await refusal(tree.remove('/cluster'))).to.be.instanceOf(PermissionError);
    });
  });

  it('is not waited for longer than asked', async () => {
    expect(await refusal(close(ADMIN, 1))).to.be.instanceOf(UnavailableError);
  });
});
