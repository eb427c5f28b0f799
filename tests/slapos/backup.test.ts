import { expect } from 'chai';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { RequestedCluster, parametersFrom } from './support/cluster';
import { clusterBasePort } from './support/ports';
import { sharedNode } from './support/shared-node';
import type { SlaposNode } from './support/slapos-node';

const LINES = 3_000;
/** Folders below `srv` that a backup has, by member. */
const KEPT = { 'zookeeper-1': 'zookeeper', 'mongodb-1': 'mongodb', 'solr-1': 'solr' } as const;

/** As docs/slapos.md says it, command by command. */
describe('SlapOS: backup and restore', function () {
  this.timeout(1_800_000);
  let node: SlaposNode;
  let cluster: RequestedCluster;
  let backup: string;
  let secret = '';
  let key = '';
  let digest = '';

  const shell = async (command: string): Promise<string> => {
    const { code, stdout, stderr } = await node.run('sh', ['-c', command]);
    expect(code, stderr).to.equal(0);
    return stdout;
  };
  const each = async (command: (folder: string, name: string) => string): Promise<void> => {
    for (const [member, name] of Object.entries(KEPT)) {
      await shell(command(join(node.partition(partitions.get(member) ?? ''), 'srv'), name));
    }
  };
  /** Who takes part, as the root knows it: by the incarnations that are in the servers' folders. */
  const rootMembers = (): string =>
    join(node.partition(/slappart\d+/.exec(cluster.published.command)?.[0] ?? ''), 'srv', 'members.json');
  let partitions = new Map<string, string>();
  const stop = async (): Promise<void> => {
    partitions = new Map(Object.keys(KEPT).map((member) => [member, cluster.partitionOf(member)]));
    await cluster.request('stopped');
    for (let pass = 0; pass < 3; pass += 1) await node.instance();
    expect([...node.services().values()]).to.deep.equal([]);
  };
  const start = async (): Promise<void> => {
    await cluster.start();
    await cluster.untilReady();
  };
  const lines = (first: number, count: number): string =>
    Array.from({ length: count }, (_, index) => `kept line ${first + index}\n`).join('');
  /** Each text of the source's lines, in the order of their numbers. */
  const texts = async (): Promise<string> =>
    (await cluster.resilog('search', '*', '--source', 'kept', '--all', '--json')).stdout;

  before(async () => {
    node = await sharedNode();
    backup = join(node.folder, 'backup');
    mkdirSync(backup, { recursive: true, mode: 0o700 });
    node.give(backup);
    cluster = new RequestedCluster(node, 'kept', parametersFrom(await clusterBasePort()));
    await start();
    key = await cluster.addSource('kept');
    for (let first = 0; first < LINES; first += 1_000) {
      expect(await cluster.post(1, key, lines(first, 1_000))).to.equal(200);
    }
    expect(await cluster.countLines('kept')).to.equal(LINES);
    secret = cluster.published['admin-secret'];
    digest = messagesOf(await texts());
  });

  it('is taken of the stopped servers', async () => {
    await stop();
    await shell(`cp '${rootMembers()}' '${backup}'`);
    await each((folder, name) => `tar -C '${folder}' -czf '${backup}/${name}.tar.gz' '${name}'`);
    expect((await shell(`ls '${backup}'`)).trim().split('\n'))
      .to.deep.equal(['members.json', 'mongodb.tar.gz', 'solr.tar.gz', 'zookeeper.tar.gz']);
  });

  it('outlives the cluster', async () => {
    await cluster.destroy();
    expect(node.usedPartitions()).to.deep.equal([]);
  });

  it('is restored into a new cluster that has the former one\'s secret, ports and addresses', async () => {
    cluster.parameters = { ...cluster.parameters, 'admin-secret': secret };
    await start();
    expect((await cluster.resilog('source', 'list')).stdout).not.to.include('kept');
    await stop();
    await each((folder, name) => `rm -r '${folder}/${name}' && tar -C '${folder}' -xzf '${backup}/${name}.tar.gz'`);
    await shell(`cp '${backup}/members.json' '${rootMembers()}'`);
    await start();
    expect(cluster.published['admin-secret']).to.equal(secret);
  });

  it('brought every line back, once', async () => {
    expect(await cluster.countLines('kept')).to.equal(LINES);
    expect(messagesOf(await texts())).to.equal(digest);
  });

  it('brought the keys of sources back, and the cluster takes lines again', async () => {
    expect(await cluster.post(1, key, lines(LINES, 10))).to.equal(200);
    expect(await cluster.countLines('kept')).to.equal(LINES + 10);
  });

  it('needs its secret with the first request: another one is refused later', async () => {
    const { parameters } = cluster;
    cluster.parameters = { ...parameters, 'admin-secret': 'x'.repeat(43) };
    await cluster.request();
    const { code, stderr } = await node.instance();
    expect(code).not.to.equal(0);
    expect(stderr).to.include('admin-secret is refused: the cluster was made with another one');
    cluster.parameters = parameters;
    await cluster.start();
    await cluster.destroy();
  });
});

function messagesOf(hits: string): string {
  const found = hits.trim().split('\n').map((line) => (JSON.parse(line) as { message: string }).message);
  expect(found).to.have.length(LINES);
  return found.sort().join('\n');
}
