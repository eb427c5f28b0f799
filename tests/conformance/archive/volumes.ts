import { randomBytes } from 'node:crypto';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import type { Volume } from '../../../src/archive/volume';
import { systemClock } from '../../../src/clock';
import { servers } from '../../support/servers';

/** One adapter of the archive ports, opened empty for a suite. */
export interface VolumeUnderTest {
  readonly name: string;
  open(): Promise<Volume>;
  discard(volume: Volume): Promise<void>;
}

const memory: VolumeUnderTest = {
  name: 'memory',
  open: async () => new MemoryVolume(),
  discard: (volume) => volume.close(),
};

const mongodb: VolumeUnderTest = {
  name: 'MongoDB',
  open: async () => {
    const { mongodbUrl } = await servers();
    const database = `test-archive-${randomBytes(6).toString('hex')}`;
    const volume = new MongodbVolume({ name: 'main', url: mongodbUrl, database, clock: systemClock });
    await volume.prepare();
    return volume;
  },
  discard: async (volume) => {
    if (volume instanceof MongodbVolume) await volume.connection.db.dropDatabase();
    await volume.close();
  },
};

export const volumesUnderTest: readonly VolumeUnderTest[] = [memory, mongodb];

/** Runs a suite once for each adapter, on one volume with names of its own for each test. */
export function describeVolumes(subject: string, suite: (open: () => Volume) => void): void {
  for (const adapter of volumesUnderTest) {
    describe(`${subject} (${adapter.name})`, function () {
      this.timeout(60_000);
      let volume: Volume | undefined;
      before(async () => {
        volume = await adapter.open();
      });
      after(async () => {
        if (volume !== undefined) await adapter.discard(volume);
      });
      suite(() => {
        if (volume === undefined) throw new Error('the volume is not open');
        return volume;
      });
    });
  }
}
