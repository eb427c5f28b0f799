import { expect } from 'chai';
import type { Db } from 'mongodb';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MongodbVolume } from '../../src/archive/mongodb-volume';
import { systemClock } from '../../src/clock';
import { createSolrClient } from '../../src/index/solr-client';
import { collectionStatus } from '../../src/index/solr-cluster';
import { storedZip } from '../../src/index/stored-zip';
import type { ConnectedServices } from '../../src/process/services';
import { checkout } from '../support/checkout';
import type { Cluster } from '../support/cluster';
import { sharedCluster } from '../support/shared-cluster';
import { post } from './support/client';
import { commandsOf, type Commands } from './support/commands';
import { connect, countIndexed, listStates } from './support/inspect';
import { bodyOf } from './support/samples';
import { until } from '../support/wait';

const COLLECTION = 'resilog';

describe('what can not be indexed', function () {
  this.timeout(600_000);
  let cluster: Cluster;
  let commands: Commands;
  let services: ConnectedServices;

  before(async () => {
    cluster = await sharedCluster();
    commands = commandsOf(cluster);
    services = connect(cluster);
    await commands.run('config', 'set', 'files.maxAgeMs=500', 'consumer.hardCommitMs=3000');
  });

  after(async () => {
    await services.close();
    await commands.run('config', 'reset', 'files.maxAgeMs', 'consumer.hardCommitMs');
  });

  /** Gives the collection the schema of the checkout with more fields, or the configset named. Returns the former. */
  const changeSchema = async (change: { fields: string } | { configset: string }): Promise<string> => {
    const client = createSolrClient({ baseUrls: () => [`http://[::1]:${cluster.basePort + 41}/solr`], clock: systemClock });
    try {
      const former = (await collectionStatus(client, COLLECTION))?.configset ?? '';
      let configset = 'configset' in change ? change.configset : 'broken';
      if ('fields' in change) {
        const folder = join(checkout, 'solr', 'resilog');
        const files = await Promise.all((await readdir(folder)).sort().map(async (name) => {
          const data = await readFile(join(folder, name));
          if (name !== 'schema.xml') return { name, data };
          return { name, data: Buffer.from(data.toString().replace('</schema>', `${change.fields}</schema>`)) };
        }));
        configset = 'broken';
        await client.request({
          path: '/admin/configs', query: { action: 'UPLOAD', name: configset, overwrite: 'true' }, effect: 'write',
          body: { type: 'application/octet-stream', data: storedZip(files) }, timeoutMs: 30_000,
        });
      }
      await client.request({
        path: '/admin/collections', effect: 'write', timeoutMs: 60_000,
        query: { action: 'MODIFYCOLLECTION', collection: COLLECTION, 'collection.configName': configset },
      });
      return former;
    } finally {
      await client.close();
    }
  };

  it('a line that the index refuses is set aside with its reason, and replayed when the schema is mended', async () => {
    const { urls } = await commands.addSource('refused');
    const former = await changeSchema({ fields: '<field name="s.sd_trouble_level" type="number"/>' });
    const good = Array.from({ length: 20 }, (_, i) => `<13>1 2026-01-01T00:00:00Z host app - - - good line ${i}`);
    const bad = '<13>1 2026-01-01T00:00:00Z host app - - [trouble level="severe"] a line in trouble';
    let setAside: { id: string; fileId: string; line: number; reason: string }[] = [];
    try {
      expect((await post(urls[0] ?? '', bodyOf([...good.slice(0, 10), bad, ...good.slice(10)]))).status).to.equal(200);
      await commands.run('wait', '--idle', '--timeout', '240');
      expect(await countIndexed(services, 'refused')).to.equal(20);
      setAside = await commands.ndjson('set-aside', 'list');
      expect(setAside).to.have.length(1);
      expect(setAside[0]).to.include({ line: 10 });
      expect(setAside[0]?.reason).to.include('s.sd_trouble_level').and.include('severe');
      expect((await commands.run('show', setAside[0]?.id ?? '', '--raw')).trimEnd()).to.equal(bad);
      await commands.run('wait', '--verified', '--timeout', '240');
    } finally {
      await changeSchema({ configset: former });
    }
    expect(await commands.ndjson('set-aside', 'replay')).to.deep.equal([{ fileId: setAside[0]?.fileId, replayed: true }]);
    await commands.run('wait', '--verified', '--timeout', '240');
    expect(await countIndexed(services, 'refused')).to.equal(21);
    expect(await commands.ndjson('set-aside', 'list')).to.deep.equal([]);
    const found = await commands.ndjson<{ id: string; tags: Record<string, string> }>('search', 'trouble', '--source', 'refused');
    expect(found.map(({ id, tags }) => [id, tags.sd_trouble_level])).to.deep.equal([[setAside[0]?.id, 'severe']]);
  });

  it('a file that fails five times becomes a dead letter with its reason, and is replayed when it is mended', async () => {
    const { urls } = await commands.addSource('spoiled');
    const consumers = ['consumer-1', 'consumer-2'];
    for (const name of consumers) await cluster.stopMember(name);
    expect((await post(urls[0] ?? '', bodyOf(Array.from({ length: 50 }, (_, i) => `spoiled line ${i}`)))).status).to.equal(200);
    const fileOf = async (): Promise<string | undefined> =>
      (await listStates(services)).find(({ sourceName }) => sourceName === 'spoiled')?.id;
    await until('the file is closed', 10_000, async () => await fileOf() !== undefined);
    const id = await fileOf() ?? '';
    const mend = await spoil(id);
    try {
      for (const name of consumers) await cluster.startMember(name);
      interface Letter { readonly fileId: string; readonly reason: string }
      let letters: Letter[] = [];
      await until('the file is given up', 60_000, async () => {
        letters = await commands.ndjson<Letter>('queue', 'dead');
        return letters.length > 0;
      });
      expect(letters.map(({ fileId }) => fileId)).to.deep.equal([id]);
      expect(letters[0]?.reason).to.match(/sha256|corrupt|block/i);
      expect(await commands.json('file', 'show', id)).to.include({ phase: 'dead', attempts: 5 });
      expect(await commands.json('queue')).to.deep.equal({ depth: 0, dead: 1 });
    } finally {
      await mend();
    }
    expect(await commands.ndjson('queue', 'replay', id)).to.deep.equal([{ fileId: id, replayed: true }]);
    await commands.run('wait', '--verified', '--timeout', '240');
    expect(await countIndexed(services, 'spoiled')).to.equal(50);
    expect(await commands.json('queue')).to.deep.equal({ depth: 0, dead: 0 });
  });

  /** Flips a byte in the middle of a stored file; what is returned puts it back. */
  async function spoil(fileId: string): Promise<() => Promise<void>> {
    const [volume] = await services.volumes() as readonly MongodbVolume[];
    if (volume === undefined) throw new Error('the cluster has no volume');
    const db: Db = volume.connection.db;
    // The connection gives binary data as buffers.
    const chunks = db.collection<{ files_id: unknown; data: Buffer }>('fs.chunks');
    const chunk = (await chunks.find().toArray()).find(({ files_id }) => String(files_id) === fileId);
    if (chunk === undefined) throw new Error(`file ${fileId} has no chunk`);
    const data = Buffer.from(chunk.data);
    const spoiled = Buffer.from(data);
    spoiled[data.length >> 1] = (spoiled[data.length >> 1] ?? 0) ^ 0xff;
    await chunks.updateOne({ _id: chunk._id }, { $set: { data: spoiled } });
    return async () => { await chunks.updateOne({ _id: chunk._id }, { $set: { data } }); };
  }
});
