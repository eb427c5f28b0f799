import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectedServices } from '../../src/process/services';
import type { Cluster } from '../support/cluster';
import { isAlive } from '../support/process-tree';
import { sharedCluster } from '../support/shared-cluster';
import { sized, written } from '../support/size';
import { replay } from './support/client';
import { commandsOf, type Commands } from './support/commands';
import { connect, countIndexed, indexedIds, listStates, readArchive } from './support/inspect';
import { Ledger } from './support/ledger';
import { startProgram, writeConfiguration, type Program } from './support/program';
import { repeated, samples } from './support/samples';
import { until } from '../support/wait';

const SOURCES = 4;
const LINES = sized(100_000, 40_000);

describe('consumers that come and go', function () {
  this.timeout(600_000);
  let cluster: Cluster;
  let commands: Commands;
  let services: ConnectedServices;
  let folder: string;
  const programs: Program[] = [];

  before(async () => {
    cluster = await sharedCluster();
    commands = commandsOf(cluster);
    services = connect(cluster);
    folder = await mkdtemp(join(tmpdir(), 'resilog-test-'));
    await commands.run('config', 'set', 'files.maxAgeMs=1000', 'consumer.hardCommitMs=5000');
  });

  after(async () => {
    for (const program of programs) {
      if (isAlive(program.pid)) program.signal('SIGKILL');
      await program.ended;
    }
    await services.close();
    await commands.run('config', 'reset', 'files.maxAgeMs', 'consumer.hardCommitMs');
    await rm(folder, { recursive: true, force: true });
  });

  /** A further consumer; resolves when it takes part. */
  const addConsumer = async (member: string): Promise<Program> => {
    const file = join(folder, `${member}.json`);
    writeConfiguration(cluster, 'consumer-1/process.json', file, { member, port: 0, data: folder });
    const program = startProgram(['--config', file, 'consumer'], join(folder, `${member}.log`));
    programs.push(program);
    const coordination = await services.coordination();
    await until(`${member} is present`, 60_000, async () =>
      await coordination.exists(`/Configuration/Consumer/${member}`) !== undefined);
    return program;
  };

  it(`one added and two removed while ${written(LINES)} lines flow: every line is indexed exactly once`, async () => {
    const leaver = await addConsumer('leaver');
    const logs = samples();
    let acknowledged = 0;
    const senders = await Promise.all(Array.from({ length: SOURCES }, async (_, i) => {
      const sample = logs[i % logs.length];
      if (sample === undefined) throw new Error('there are no samples');
      const { name, urls } = await commands.addSource(`flow-${i}`);
      const ledger = new Ledger();
      const done = replay({
        urls, lines: repeated(sample, LINES / SOURCES), linesPerRequest: 200, ledger, pauseMs: 10,
        onAcknowledged: (lines) => { acknowledged += lines; },
      });
      done.catch(() => undefined);
      return { name, ledger, done };
    }));
    const all = Promise.all(senders.map(({ done }) => done));
    const sent = (share: number): Promise<unknown> =>
      Promise.race([until(`${share} is sent`, 120_000, () => acknowledged >= LINES * share), all]);
    await sent(0.2);
    const victim = await addConsumer('victim');
    await sent(0.45);
    leaver.signal('SIGTERM');
    await sent(0.7);
    expect(isAlive(victim.pid)).to.equal(true);
    victim.signal('SIGKILL');
    await all;
    expect(await leaver.ended).to.equal(0);
    expect(await victim.ended).to.equal(null);
    await commands.run('wait', '--verified', '--timeout', '240');
    for (const { name, ledger } of senders) {
      const archived = await readArchive(services, name);
      expect(ledger.violations(archived.lines)).to.deep.equal([]);
      expect(await countIndexed(services, name), name).to.equal(archived.lineCount);
      expect((await indexedIds(services, name)).size, name).to.equal(archived.lineCount);
    }
    expect(senders.reduce((sum, { ledger }) => sum + ledger.acknowledgedLines, 0)).to.equal(LINES);
    const flowed = (await listStates(services)).filter(({ sourceName }) => sourceName.startsWith('flow-'));
    expect(flowed.filter(({ phase }) => phase !== 'verified')).to.deep.equal([]);
    expect(await (await services.queue()).depth()).to.deep.equal({ items: 0, dead: 0 });
  });
});
