import { randomBytes } from 'node:crypto';
import { ObjectId } from 'mongodb';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import { systemClock } from '../../../src/clock';
import { MemoryIndex } from '../../../src/index/memory-index';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { servers } from '../../support/servers';
import { solrFixture } from '../../support/solr-collections';
import { openZooKeeperWorld } from '../registry/zookeeper-world';
import { auditSuite } from './audit-suite';

auditSuite('memory', async () => {
  const volume = new MemoryVolume();
  const coordination = new MemoryCoordinationServer({ clock: systemClock }).connect();
  const { files, states, journal, lanes } = volume.store;
  return {
    volume, index: new MemoryIndex(), coordination, collection: 'logs',
    damage: {
      flipByte: async (id, at) => {
        const content = files.get(id)?.content;
        content?.writeUInt8((content[at] ?? 0) ^ 0xff, at);
      },
      loseFile: async (id) => { files.delete(id); },
      loseState: async (id) => { states.delete(id); },
      loseSeal: async (lane) => { journal.get(lane)?.delete(lanes.get(lane)?.sealedAt ?? -1); },
    },
    close: () => coordination.close(),
  };
});

auditSuite('MongoDB, SolrCloud and ZooKeeper', async () => {
  const { mongodbUrl, solrUrl } = await servers();
  const fixture = solrFixture(solrUrl);
  const zookeeper = await openZooKeeperWorld();
  const database = `test-audit-${randomBytes(6).toString('hex')}`;
  const volume = new MongodbVolume({ name: 'main', url: mongodbUrl, database, clock: systemClock });
  await volume.prepare();
  const { db } = volume.connection;
  const { coordination } = await zookeeper.connect();
  return {
    volume, index: fixture.index, coordination, collection: fixture.newCollection(),
    damage: {
      flipByte: async (id, at) => {
        const chunks = db.collection<{ data: { buffer: Buffer } }>('fs.chunks');
        const chunk = await chunks.findOne({ files_id: new ObjectId(id), n: 0 } as object, { promoteBuffers: false });
        if (chunk === null) throw new Error(`file ${id} has no chunk`);
        const data = Buffer.from(chunk.data.buffer);
        data.writeUInt8((data[at] ?? 0) ^ 0xff, at);
        await chunks.updateOne({ _id: chunk._id }, { $set: { data } } as object);
      },
      loseFile: async (id) => { await db.collection('fs.files').deleteOne({ _id: new ObjectId(id) }); },
      loseState: async (id) => { await db.collection('states').deleteOne({ _id: new ObjectId(id) }); },
      loseSeal: async (lane) => { await db.collection('journal').deleteOne({ '_id.lane': lane, seal: true }); },
    },
    close: async () => {
      await db.dropDatabase();
      await volume.close();
      await fixture.close();
      await zookeeper.close();
    },
  };
});
