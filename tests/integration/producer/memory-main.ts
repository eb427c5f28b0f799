import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import { systemClock } from '../../../src/clock';
import { keyOf, startProducer } from './support';

/** A producer as a process of its own, for the test of its memory: prints its port, ends with its input. */
async function main(): Promise<void> {
  const volume = new MongodbVolume({ name: 'v1', url: process.argv[2] ?? '', database: 'resilog', clock: systemClock });
  await volume.prepare();
  const running = await startProducer({ volume, settings: { intake: { memoryBudgetBytes: 76 * 1024 * 1024 } } });
  for (let client = 0; client < 64; client += 1) running.keys.add(`client-${client}`, {}, keyOf(`client-${client}`));
  process.stdout.write(`${running.port}\n`);
  process.stdin.resume();
  process.stdin.on('end', () => {
    void running.stop().then(() => volume.close());
  });
}

void main();
