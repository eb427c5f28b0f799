import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { listFiles } from '../../src/archive/volume-set';
import type { ConnectedServices } from '../../src/process/services';
import type { Cluster } from '../support/cluster';
import { sharedCluster } from '../support/shared-cluster';
import { sized, written } from '../support/size';
import { replay } from './support/client';
import { commandsOf, type Commands } from './support/commands';
import { connect, countIndexed, indexedIds, listStates, readArchive } from './support/inspect';
import { Ledger } from './support/ledger';
import { startProgram } from './support/program';
import { until } from '../support/wait';

const LINES = sized(50_000, 20_000);
const STEP_MS = 10;
const CONSUMERS = ['consumer-1', 'consumer-2'];

function line(source: string, i: number, word: string): string {
  return `<13>1 2026-01-01T00:00:00Z host app - - - ${source} ${word} ${i}`;
}

describe('resilog delete', function () {
  this.timeout(600_000);
  let cluster: Cluster;
  let commands: Commands;
  let services: ConnectedServices;
  let folder: string;

  before(async () => {
    cluster = await sharedCluster();
    commands = commandsOf(cluster);
    services = connect(cluster);
    folder = await mkdtemp(join(tmpdir(), 'resilog-test-'));
    // Requests are over ten seconds after the last line they concern, not after minutes.
    await commands.run('config', 'set', 'files.maxAgeMs=1000', 'files.maxLines=5000', 'consumer.hardCommitMs=2000',
      'intake.bodyTimeoutMs=1000', 'deletion.clockSkewMs=0');
  });

  after(async () => {
    await services.close();
    await commands.run('config', 'reset', 'files.maxAgeMs', 'files.maxLines', 'consumer.hardCommitMs', 'consumer.batchDocuments',
      'intake.bodyTimeoutMs', 'deletion.clockSkewMs');
    await rm(folder, { recursive: true, force: true });
  });

  const send = async (source: string, lines: readonly string[]): Promise<void> => {
    const file = join(folder, source);
    await writeFile(file, `${lines.join('\n')}\n`);
    await commands.run('send', file, '--source', source);
  };
  const untilDone = (): Promise<number> => until('every deletion is done', 240_000, async () =>
    (await commands.ndjson('deletion', 'list', '--pending')).length === 0, 1_000);

  it(`of ${written(LINES)} lines, killed in the middle and repeated: no line and no file is left, others are untouched`, async () => {
    for (const name of ['doomed', 'spared']) await commands.addSource(name);
    await send('doomed', Array.from({ length: LINES }, (_, i) => line('doomed', i, 'x')));
    await send('spared', Array.from({ length: 5_000 }, (_, i) => line('spared', i, 'x')));
    await commands.run('wait', '--verified', '--timeout', '240');
    const sparedIds = await indexedIds(services, 'spared');
    expect(sparedIds.size).to.equal(5_000);
    expect(await countIndexed(services, 'doomed')).to.equal(LINES);
    const doomedFiles = (await commands.ndjson('file', 'list', '--source', 'doomed')).length;
    expect(doomedFiles).to.be.at.least(LINES / 5_000);

    // Consumers run stored deletions too: here it is the command that is killed at its work.
    for (const name of CONSUMERS) await cluster.stopMember(name);
    const killed = startProgram(['delete', 'source:doomed', '--yes'], join(folder, 'delete.log'), {
      RESILOG_CONFIG: cluster.configuration,
    });
    const volumes = await services.volumes();
    const left = async (): Promise<number> => {
      let count = 0;
      for await (const file of listFiles(volumes, 'doomed')) count += file.Lines > 0 ? 1 : 0;
      return count;
    };
    // In short steps, so that it is killed with work done and work left, however slow this machine looks at it.
    await until('the first file is deleted', 60_000, async () => {
      killed.signal('SIGCONT');
      await sleep(STEP_MS);
      killed.signal('SIGSTOP');
      return await left() < doomedFiles;
    }, 1);
    killed.signal('SIGKILL');
    expect(await killed.ended).to.equal(null);
    expect(await left(), 'files when it was killed').to.be.greaterThan(0);
    for (const name of CONSUMERS) await cluster.startMember(name);

    await commands.run('delete', 'source:doomed', '--yes');
    await until('no deleted line is found', 10_000, async () => await countIndexed(services, 'doomed') === 0);
    expect(await commands.ndjson('file', 'list', '--source', 'doomed')).to.deep.equal([]);
    await untilDone();
    expect(await countIndexed(services, 'doomed')).to.equal(0);
    expect((await listStates(services)).filter(({ sourceName, phase }) => sourceName === 'doomed' && phase !== 'gone'))
      .to.deep.equal([]);
    expect(await indexedIds(services, 'spared')).to.deep.equal(sparedIds);
    expect((await readArchive(services, 'spared')).lineCount).to.equal(5_000);
  });

  it('while the lines are still being indexed: none comes back, and no unindexed line of a partly matching file is lost', async () => {
    const { urls } = await commands.addSource('mixed');
    // Small requests to the index, so that it takes its time.
    await commands.run('config', 'set', 'consumer.batchDocuments=50');
    const before = Array.from({ length: 20_000 }, (_, i) => line('mixed', i, i % 3 === 0 ? 'noise' : 'signal'));
    const ledger = new Ledger();
    const indexed = before.slice(0, 5_000);
    await replay({ urls, lines: indexed, linesPerRequest: 500, ledger });
    await commands.run('wait', '--verified', '--timeout', '240');
    for (const name of CONSUMERS) await cluster.stopMember(name);
    await replay({ urls, lines: before.slice(indexed.length), linesPerRequest: 500, ledger });
    const deleted = commands.run('delete', 'noise', '--source', 'mixed', '--yes');
    // It concerns all that was received until now, of which most is not indexed yet.
    await until('the deletion is known', 30_000, async () => (await commands.ndjson('deletion', 'list', '--pending')).length > 0);
    expect(await countIndexed(services, 'mixed')).to.be.at.most(indexed.length);
    const started = Promise.all(CONSUMERS.map((name) => cluster.startMember(name)));
    await deleted;
    await started;
    const after = Array.from({ length: 3_000 }, (_, i) => line('mixed', 100_000 + i, i % 3 === 0 ? 'noise' : 'signal'));
    await replay({ urls, lines: after, linesPerRequest: 500, ledger });
    await untilDone();
    await commands.run('wait', '--verified', '--timeout', '240');
    const noiseAfter = after.filter((text) => text.includes('noise')).length;
    expect(await commands.json('search', 'noise', '--source', 'mixed', '--count')).to.deep.equal({ count: noiseAfter });
    const kept = [...before.filter((text) => text.includes('signal')), ...after];
    expect(await countIndexed(services, 'mixed')).to.equal(kept.length);
    const exported: string[] = [];
    for (const { id } of await commands.ndjson<{ id: string }>('file', 'list', '--source', 'mixed')) {
      exported.push(...(await commands.run('file', 'export', id)).split('\n').filter((text) => text !== ''));
    }
    expect(exported.sort()).to.deep.equal(kept.sort());
  });
});
