import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { GridFSBucket, ObjectId } from 'mongodb';
import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import { CorruptionError } from '../../../src/errors';
import { systemClock } from '../../../src/clock';
import { closingFile, collect, rejection } from '../../conformance/archive/samples';
import { servers } from '../../support/servers';

describe('files seen by a plain GridFS client', function () {
  this.timeout(300_000);
  let volume: MongodbVolume;

  before(async () => {
    const { mongodbUrl } = await servers();
    const database = `test-gridfs-${randomBytes(6).toString('hex')}`;
    volume = new MongodbVolume({ name: 'main', url: mongodbUrl, database, clock: systemClock });
    await volume.prepare();
    await volume.prepare();
  });

  after(async () => {
    await volume.connection.db.dropDatabase();
    await volume.close();
  });

  it('gives the stored frames, and metadata that follow the state', async () => {
    const file = await closingFile(30_000);
    const { id } = file.state;
    await volume.states.close([file]);
    const bucket = new GridFSBucket(volume.connection.db);
    const content = Buffer.concat(await collect<Buffer>(bucket.openDownloadStream(new ObjectId(id))));
    expect(content.equals(file.content)).to.equal(true);
    const metadata = async (): Promise<Record<string, unknown>> => (
      (await bucket.find({ _id: new ObjectId(id) }).toArray())[0]?.metadata ?? {});
    expect(await metadata()).to.include({
      Source: 'alpha', Lines: 30_000, RemLines: 30_000, Position: 0, FormatVersion: 1, sha256: file.description.sha256,
    });
    await volume.states.claim(id, 1);
    await volume.states.markIndexed(id, 1, 2);
    await volume.states.bury(id, [[0, 9]]);
    expect(await volume.states.markVerified(id, 1, 1)).to.equal(true);
    expect(await metadata()).to.include({ RemLines: 29_990, Position: 30_000 });
  });

  it('a changed window of the keys is taken over at the next start', async () => {
    const { mongodbUrl } = await servers();
    const database = volume.connection.db.databaseName;
    const other = new MongodbVolume({
      name: 'main', url: mongodbUrl, database, clock: systemClock, keyWindowSeconds: 7_200,
    });
    await other.prepare();
    const indexes = await other.connection.db.collection('keys').indexes();
    expect(indexes.map(({ expireAfterSeconds }) => expireAfterSeconds)).to.include(7_200);
    await other.close();
  });

  it('reports a changed chunk and a missing one by their hash, and gives none of their lines', async () => {
    const file = await closingFile(1_000);
    const files_id = new ObjectId(file.state.id);
    await volume.states.close([file]);
    const chunks = volume.connection.db.collection('fs.chunks');
    const damaged = Buffer.from(file.content);
    damaged[20] = (damaged[20] ?? 0) ^ 1;
    await chunks.updateOne({ files_id, n: 0 }, { $set: { data: damaged } });
    expect(await rejection(volume.files.readLine(file.description, 0))).to.be.instanceOf(CorruptionError);
    await chunks.deleteMany({ files_id });
    const reading = collect(volume.files.readBlocks(file.description, 0));
    expect(await rejection(reading)).to.be.instanceOf(CorruptionError);
  });
});
