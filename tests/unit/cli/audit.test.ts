import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { AuditContext } from '../../../src/audit/context';
import { Pace } from '../../../src/audit/pace';
import type { Report } from '../../../src/audit/ports';
import { addAuditCommand } from '../../../src/cli/commands/audit';
import type { CommandContext, Services } from '../../../src/cli/context';
import { createOutput } from '../../../src/cli/output';
import { createProgram, runProgram } from '../../../src/cli/program';
import { MemoryIndex } from '../../../src/index/memory-index';
import { createQueueAdministration } from '../../../src/queue/queue-administration';
import { createQueueInventory } from '../../../src/queue/queue-inventory';
import { createQueueTree } from '../../../src/queue/queue-tree';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { fileId, newCloser, newVolume, openLane, piece, TestClock, testRandom, TestQueue } from '../recovery/harness';

const ID = fileId(1);

describe('resilog audit', () => {
  const volume = newVolume();
  const clock = new TestClock();
  const index = new MemoryIndex();
  let over: AuditContext;

  before(async () => {
    const coordination = new MemoryCoordinationServer({ clock }).connect();
    await createQueueTree(coordination, 2);
    await index.prepare('logs');
    await openLane(volume, 'L', [[piece(1, 'x\n'.repeat(3))]]);
    await newCloser(volume, clock).close({ lane: 'L', fromN: 0, throughN: 0, files: 'all' });
    over = {
      volumes: [volume], index, collections: ['logs'], deletions: volume.deletions, queue: new TestQueue(), clock,
      letters: createQueueAdministration(coordination), inventory: createQueueInventory(coordination),
      pace: new Pace({ clock, readBytesPerSecond: () => 0, indexQueriesPerSecond: () => 0 }),
      stuckAfterMs: () => 60_000, attended: true,
    };
  });

  async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const output = createOutput({ stdout, stderr, environment: {} });
    let set = 0;
    const services = {
      audit: async (options: Parameters<Services['audit']>[0]) => (
        options.scope === undefined ? over : { ...over, scope: options.scope }),
      volumes: async () => [volume],
    } as unknown as Services;
    const context = {
      output, services, clock, random: testRandom, signal: new AbortController().signal,
      setExitCode: (code: number) => { set = code; },
    } as unknown as CommandContext;
    const code = await runProgram(createProgram('0', [addAuditCommand], context), argv, output);
    return { code: code === 0 ? set : code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
  }

  it('show says that there was none', async () => {
    const { code, stderr } = await run('audit', 'show');
    expect(code).to.equal(66);
    expect(stderr).to.include('resilog audit run');
  });

  it('run of what is whole ends with 0, and show tells of it', async () => {
    expect(await run('audit', 'run')).to.deep.include({ code: 0, stderr: '' });
    const { code, stdout } = await run('audit');
    expect(code).to.equal(0);
    expect(stdout).to.match(/^The last round ended .* ago, .*: 1 files with 3 lines, .* read; nothing was found\.\n$/);
  });

  it('run changes nothing and ends with 1 when it finds damage; with --repair it mends it', async () => {
    await volume.states.claim(ID, clock.now());
    await volume.states.markIndexed(ID, 1, clock.now());
    await volume.states.markVerified(ID, 1, 0);
    const dry = await run('audit', 'run');
    expect(dry.code).to.equal(1);
    expect(dry.stdout).to.include(`damage lines-missing file ${ID} on memory: 3 of 3 lines, from line 0 on`)
      .and.include('resilog audit run --repair').and.include('1 findings, 0 repaired');
    expect((await volume.states.get(ID))?.phase).to.equal('verified');
    const mending = await run('audit', 'run', '--repair', '--json');
    expect(mending.code).to.equal(1);
    const [finding, report] = mending.stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown);
    expect(finding).to.deep.include({ kind: 'lines-missing', fileId: ID, repair: 'done' });
    expect((report as Report).tally.findings).to.deep.equal({ 'lines-missing': 1 });
    expect(await volume.states.get(ID)).to.include({ phase: 'closed', claim: 2 });
    expect((await run('audit', 'show')).stdout).to.include(`repaired lines-missing file ${ID}`);
  });

  it('a round over a part is not kept as the last one', async () => {
    expect((await run('audit', 'run', '--source', 'nobody', '--since', '1h')).code).to.equal(0);
    expect((await volume.audits.last())?.tally.repaired).to.equal(1);
    expect((await run('audit', 'run', '--since', 'never')).code).to.equal(64);
  });
});
