import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding } from '../../src/audit/finding';
import type { Report } from '../../src/audit/ports';
import type { ConnectedServices } from '../../src/process/services';
import type { Cluster } from '../support/cluster';
import { sharedCluster } from '../support/shared-cluster';
import { fetchText } from './support/client';
import { commandsOf, type Commands } from './support/commands';
import { connect, indexedIds } from './support/inspect';
import { until } from '../support/wait';

const LINES = 3_000;
const SOURCE = 'audited';
const OF_SOURCE = ['--source', SOURCE, '--full-speed'];

interface Round {
  readonly code: number;
  readonly findings: readonly Finding[];
  readonly report: Report;
}

describe('resilog audit', function () {
  this.timeout(300_000);
  let cluster: Cluster;
  let commands: Commands;
  let services: ConnectedServices;
  let folder: string;

  before(async () => {
    cluster = await sharedCluster();
    commands = commandsOf(cluster);
    services = connect(cluster);
    folder = await mkdtemp(join(tmpdir(), 'resilog-test-'));
    await commands.run('config', 'set', 'files.maxAgeMs=1000', 'consumer.hardCommitMs=2000');
    // A consumer's own first round would mend what these tests damage, and take the place of theirs.
    await until('the consumers\' own round has ended', 180_000, async () =>
      /"last":\s*\{/.test((await cluster.resilog(['audit', 'show', '--json'])).stdout), 1_000);
    await commands.addSource(SOURCE);
    const lines = Array.from({ length: LINES }, (_, i) => `<13>1 2026-01-01T00:00:00Z host app - - - line ${i}`);
    await writeFile(join(folder, 'lines'), `${lines.join('\n')}\n`);
    await commands.run('send', join(folder, 'lines'), '--source', SOURCE);
    await commands.run('wait', '--verified', '--timeout', '120');
  });

  after(async () => {
    await services?.close();
    await commands.run('config', 'reset', 'files.maxAgeMs', 'consumer.hardCommitMs');
    await rm(folder, { recursive: true, force: true });
  });

  async function audit(...options: string[]): Promise<Round> {
    const { code, stdout, stderr } = await cluster.resilog(['audit', 'run', '--json', ...options]);
    const lines = stdout.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
    expect(lines, stderr).not.to.have.length(0);
    return { code: code ?? -1, findings: lines.slice(0, -1) as Finding[], report: lines.at(-1) as Report };
  }

  it('finds nothing in a cluster that works, and ends with 0', async () => {
    const { code, findings, report } = await audit(...OF_SOURCE);
    expect(findings).to.deep.equal([]);
    expect(code).to.equal(0);
    expect(report.tally.lines).to.equal(LINES);
    expect(report.tally.bytes).to.be.greaterThan(1_000);
  });

  it('finds lines that the index lost and lines that nobody sent, has them mended, and finds nothing then', async () => {
    const index = await services.index();
    const [collection = ''] = await services.collections();
    const ids = [...await indexedIds(services, SOURCE)].sort();
    const [lost = ''] = ids;
    const fileId = lost.slice(0, lost.indexOf('!'));
    await index.removeIds(collection, ids.slice(0, 10));
    await index.add(collection, [{
      id: `${fileId}!${LINES * 2}`, fileId, line: LINES * 2, sourceId: 'x', source: SOURCE, dateMs: 1, receivedMs: 1,
      text: 'nobody sent this', truncated: false, found: '', definitions: 'x',
    }]);
    await index.commit(collection, 'hard');
    const { code, findings, report } = await audit('--repair', '--full-speed');
    expect(code).to.equal(1);
    const ofFile = findings.filter((finding) => finding.fileId === fileId).map(({ kind, repair }) => `${kind} ${repair}`);
    expect(ofFile).to.deep.equal(['lines-alien done', 'lines-missing done']);
    expect(report.tally.repaired).to.be.at.least(2);
    await commands.run('wait', '--verified', '--timeout', '120');
    expect([...await indexedIds(services, SOURCE)].sort()).to.deep.equal(ids);
    const again = await audit(...OF_SOURCE);
    expect(again.findings).to.deep.equal([]);
    expect(again.code).to.equal(0);
  });

  it('is told of by `audit show`, by `status` and in the figures of each consumer', async () => {
    const { last } = await commands.json<{ last: Report }>('audit', 'show');
    expect(last.tally.findings).to.include({ 'lines-alien': 1, 'lines-missing': 1 });
    expect(last.tally.first.some(({ kind, remedy }) => kind === 'lines-alien' && remedy !== '')).to.equal(true);
    expect(await commands.run('audit', 'show')).to.match(/repaired lines-missing file [0-9a-f]{24}/);
    const { stdout } = await cluster.resilog(['status', '--json']);
    const status = JSON.parse(stdout) as {
      audit: { finishedMs: number; findings: number; repaired: number };
      components: readonly { kind: string; address: string }[];
    };
    expect(status.audit).to.deep.include({ finishedMs: last.finishedMs, repaired: last.tally.repaired });
    expect((await cluster.resilog(['status'])).stdout).to.match(/^audit +ended \S+ ago, \d+ findings, \d+ repaired/m);
    const consumers = status.components.filter(({ kind }) => kind === 'Consumer');
    expect(consumers).to.have.length(2);
    for (const { address } of consumers) {
      expect(await fetchText(`http://${address}/metrics`)).to.match(/^resilog_audit_in_work [01]$/m);
    }
  });
});
