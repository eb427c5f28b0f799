import { expect } from 'chai';
import type { CommandStartedEvent, CommandSucceededEvent, Timestamp } from 'mongodb';
import { randomBytes } from 'node:crypto';
import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import { systemClock } from '../../../src/clock';
import { block, closingFile, collect, newLane } from '../../conformance/archive/samples';
import { servers } from '../../support/servers';

describe('what the archive asks of MongoDB', function () {
  this.timeout(60_000);
  let volume: MongodbVolume;
  const commands: CommandStartedEvent[] = [];
  const answers: CommandSucceededEvent[] = [];

  before(async () => {
    const { mongodbUrl } = await servers();
    const url = `${mongodbUrl}${mongodbUrl.includes('?') ? '&' : '/?'}monitorCommands=true`;
    const database = `test-majority-${randomBytes(6).toString('hex')}`;
    volume = new MongodbVolume({ name: 'main', url, database, clock: systemClock });
    await volume.prepare();
    volume.connection.client.on('commandStarted', (event) => { commands.push(event); });
    volume.connection.client.on('commandSucceeded', (event) => { answers.push(event); });
  });

  beforeEach(() => { commands.length = answers.length = 0; });

  after(async () => {
    await volume.connection.db.dropDatabase();
    await volume.close();
  });

  const sent = (name: string): Record<string, unknown>[] =>
    commands.filter(({ commandName }) => commandName === name).map(({ command }) => command as Record<string, unknown>);

  it('a majority and its journals for every write', async () => {
    const lane = newLane();
    await volume.journal.openLane(lane);
    await volume.journal.insert([await block(lane.id, 0)]);
    await volume.journal.seal(lane.id);
    const writes = [...sent('insert'), ...sent('update')];
    expect(writes).to.have.length(4);
    for (const { writeConcern } of writes) expect(writeConcern).to.include({ w: 'majority', j: true });
  });

  // An old primary that still answers has not seen the seal, and would give the lane without its newest blocks.
  it('asks for everything written before, in another session, too (schedule 2)', async () => {
    const lane = newLane();
    await volume.journal.openLane(lane);
    await volume.journal.insert([await block(lane.id, 0)]);
    const sealed = await volume.journal.seal(lane.id);
    const { operationTime } = answers.at(-1)?.reply as { operationTime: Timestamp };
    commands.length = 0;
    expect(await collect(volume.journal.read(lane.id, 0, sealed))).to.have.length(1);
    const [find] = sent('find');
    const { readConcern } = find as { readConcern: { level: string; afterClusterTime: Timestamp } };
    expect(readConcern.level).to.equal('majority');
    expect(readConcern.afterClusterTime.equals(operationTime), 'behind the seal').to.equal(true);
  });

  it('a closing that fails leaves no chunk (schedule 5)', async () => {
    const [one, two] = [await closingFile(3), await closingFile(3)];
    await volume.states.close([one]);
    const chunks = volume.connection.db.collection('fs.chunks');
    const before = await chunks.countDocuments();
    expect((await volume.states.close([two, one])).outcome).to.equal('conflict');
    expect(await chunks.countDocuments()).to.equal(before);
  });
});
