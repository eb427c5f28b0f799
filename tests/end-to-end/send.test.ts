import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectedServices } from '../../src/process/services';
import type { Cluster } from '../support/cluster';
import { sharedCluster } from '../support/shared-cluster';
import { commandsOf, type Commands } from './support/commands';
import { connect, countIndexed, readArchive } from './support/inspect';
import { startProgram, type Program } from './support/program';
import { until } from '../support/wait';

const LINES = 24_000;
const LINE_BYTES = 1_000;

describe('resilog send', function () {
  this.timeout(600_000);
  let cluster: Cluster;
  let commands: Commands;
  let services: ConnectedServices;
  let folder: string;
  let file: string;

  before(async () => {
    cluster = await sharedCluster();
    commands = commandsOf(cluster);
    services = connect(cluster);
    folder = await mkdtemp(join(tmpdir(), 'resilog-test-'));
    file = join(folder, 'large.log');
    const lines = Array.from({ length: LINES }, (_, i) => `line ${i} `.padEnd(LINE_BYTES - 1, 'x'));
    await writeFile(file, `${lines.join('\n')}\n`);
  });

  after(async () => {
    await services.close();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (source: string): Program => startProgram(
    ['send', file, '--source', source], join(folder, 'send.log'), { RESILOG_CONFIG: cluster.configuration });
  const sent = (): number => {
    try {
      return (JSON.parse(readFileSync(`${file}.resilog-progress`, 'utf8')) as { offset: number }).offset;
    } catch {
      // Nothing is acknowledged yet.
      return 0;
    }
  };
  const expectEveryLineOnce = async (source: string): Promise<void> => {
    await commands.run('wait', '--idle', '--timeout', '240');
    const { lines, lineCount } = await readArchive(services, source);
    expect(lineCount).to.equal(LINES);
    expect(lines.size).to.equal(LINES);
    expect(await countIndexed(services, source)).to.equal(LINES);
  };

  it('goes on when the producer that it sends to is killed, without a second copy', async () => {
    await commands.addSource('survivor');
    const producers = [await cluster.pid('producer-1'), await cluster.pid('producer-2')];
    const sending = start('survivor');
    await until('something is sent', 30_000, () => sent() > 2_000_000, 2);
    // It sends to one until that one fails: whichever it is, it is killed in the middle.
    for (const pid of producers) process.kill(pid, 'SIGKILL');
    expect(sent()).to.be.within(2_000_000, LINES * LINE_BYTES - 1);
    expect(await sending.ended).to.equal(0);
    await cluster.waitUntilReady();
    await expectEveryLineOnce('survivor');
  });

  it('is killed, repeated, and goes on where it was, without a second copy', async () => {
    await commands.addSource('interrupted');
    const killed = start('interrupted');
    await until('something is sent', 30_000, () => sent() > 4_000_000, 2);
    killed.signal('SIGKILL');
    expect(await killed.ended).to.equal(null);
    const before = sent();
    expect(before).to.be.within(4_000_000, LINES * LINE_BYTES - 1);
    const repeated = await commands.json<{ lines: number; bytes: number }>('send', file, '--source', 'interrupted');
    expect(repeated.bytes).to.equal(LINES * LINE_BYTES - before);
    expect(existsSync(`${file}.resilog-progress`)).to.equal(false);
    await expectEveryLineOnce('interrupted');
  });
});
