import { createLog } from '../../../src/log';
import { systemClock } from '../../../src/clock';
import { runLaunch } from '../../../src/process/launch/launch';
import { initialise } from '../../../src/registry/bootstrap';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { systemRandom } from '../../../src/random';

/** A launcher as a process of its own, for tests that kill it: `launch-main HEALTH DATA COMMAND…`. */
async function main(): Promise<void> {
  const [health = '', data = '', ...command] = process.argv.slice(2);
  const server = new MemoryCoordinationServer({ clock: systemClock });
  await initialise({
    coordination: server.connect(), clock: systemClock, random: systemRandom,
    connections: { mongodb: { volumes: [{ name: 'v', url: 'mongodb://x/' }] }, solr: { urls: ['http://x/solr'] } },
  });
  const log = createLog({ clock: systemClock, write: (line) => process.stdout.write(line) });
  process.exitCode = await runLaunch({
    kind: 'MongoDB', member: 'm', address: '[::1]:1', health, data, command, clock: systemClock, log,
    signals: process, connect: () => server.connect(), healthIntervalMs: 200,
  });
}

void main();
