import { expect } from 'chai';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, run } from '../support/checkout';
import { RequestedCluster, parametersFrom } from './support/cluster';
import { clusterBasePort } from './support/ports';
import { sharedNode } from './support/shared-node';
import { PARTITIONS, readText, type SlaposNode } from './support/slapos-node';

/**
 * As one develops it in the webrunner or Theia: a clone in one's own folder, supplied by its path, on a node of one
 * address and twenty partitions that are all one's own; edited, and built again.
 */
describe('SlapOS: the release from a checkout', function () {
  this.timeout(1_800_000);
  let node: SlaposNode;
  let clone: string;
  let profile: string;
  let cluster: RequestedCluster;

  const build = async (): Promise<{ code: number | null; log: string }> => {
    const { code, stdout, stderr } = await node.slapos('node', 'software');
    return { code, log: stdout + stderr };
  };
  const release = async (): Promise<string> => {
    const { stdout } = await node.run('sh', ['-c', `dirname $(grep -l '${profile}' b/soft/*/buildout.cfg)`]);
    return join(node.folder, stdout.trim());
  };
  const edit = (file: string, change: (text: string) => string): void => {
    writeFileSync(join(clone, file), change(readFileSync(join(clone, file), 'utf8')));
  };

  const rebuild = async (): Promise<string> => {
    expect((await node.run('python3', [join(clone, 'tools', 'hash-files.py')])).code).to.equal(0);
    const { code, stdout, stderr } = await node.slapos('node', 'software', '--all');
    expect(code, (stdout + stderr).slice(-4_000)).to.equal(0);
    return stdout + stderr;
  };
  /** Process ids of the members, by name. */
  const pids = (): Readonly<Record<string, string>> => Object.fromEntries(
    ['zookeeper-1', 'mongodb-1', 'solr-1', 'producer-1', 'consumer-1'].map((member) =>
      [member, readText(join(node.partition(cluster.partitionOf(member)), 'etc', 'resilog', 'run.pid'))]));
  /** The members that have another process than before. */
  const restarted = (before: Readonly<Record<string, string>>): string[] =>
    Object.entries(pids()).filter(([member, pid]) => pid !== before[member]).map(([member]) => member);
  const install = async (): Promise<void> => {
    // 2: all is installed, and a promise fails, such as that of a service that was restarted just now.
    const { code, stderr } = await node.instance('--all');
    expect(code, stderr.slice(-4_000)).to.be.oneOf([0, 2]);
    await cluster.settle();
    await cluster.untilReady();
  };

  before(async () => {
    node = await sharedNode();
    clone = join(node.folder, 'clone');
    profile = join(clone, 'software.cfg');
    await cloneTo(clone);
    node.give(clone);
  });

  it('says what is wrong with a profile', async () => {
    const sound = readFileSync(profile, 'utf8');
    edit('software.cfg', (text) => text.replace('components/node/buildout.cfg', 'components/nodde/buildout.cfg'));
    await node.slapos('supply', profile, 'local');
    const { code, log } = await build();
    expect(code).not.to.equal(0);
    expect(log).to.include('components/nodde/buildout.cfg');
    writeFileSync(profile, sound);
  });

  it('is built from its folder', async () => {
    const { code, log } = await build();
    expect(code, log.slice(-4_000)).to.equal(0);
    // What a person sees while it is built.
    for (const part of ['node', 'zookeeper', 'solr', 'mongodb', 'program']) expect(log).to.include(`Installing ${part}.`);
    expect(log).to.include('Running npm ci');
    const { stdout } = await node.run(join(await release(), 'parts', 'program', 'bin', 'resilog'), ['--version']);
    expect(stdout.trim()).to.equal((JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8')) as { version: string }).version);
  });

  it('has no development packages', async () => {
    const { code } = await node.run('test', ['-e', join(await release(), 'parts', 'program', 'node_modules', 'typescript')]);
    expect(code).to.equal(1);
  });

  it('makes a cluster in partitions that are all of one user, who is not root', async () => {
    cluster = new RequestedCluster(node, 'developed', parametersFrom(await clusterBasePort()), profile);
    await cluster.start();
    expect(PARTITIONS).to.equal(20);
    expect(node.user.uid).not.to.equal(0);
    expect((await cluster.resilog('status')).code).to.equal(0);
  });

  it('shows the parameters of the instance, and what it published', async () => {
    const { stdout } = await node.slapos('service', 'info', 'developed');
    const shown = JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, unknown>;
    expect(shown['software-url'], stdout).to.equal(profile);
    expect(JSON.stringify(shown['instance-parameters'])).to.include(JSON.stringify(cluster.parameters.solr));
    expect(shown['connection-parameters']).to.include.keys('intake-urls', 'command');
  });

  it('takes a changed template once its checksum is written, and restarts the service that it is of', async () => {
    const former = pids();
    // Solr's: without the only ZooKeeper others would be started anew, too, if it took long.
    edit('templates/log4j2.xml.in', (text) => text.replace('<Root level="INFO">', '<Root level="WARN">'));
    expect(await rebuild()).to.include('Installing template-log4j2.xml.');
    expect(readFileSync(join(await release(), 'templates', 'log4j2.xml.in'), 'utf8')).to.include('<Root level="WARN">');
    await install();
    const partition = node.partition(cluster.partitionOf('solr-1'));
    expect(readText(join(partition, 'etc', 'resilog', 'log4j2.xml'))).to.include('<Root level="WARN">');
    expect(restarted(former)).to.deep.equal(['solr-1']);
  });

  it('runs a changed program', async () => {
    const former = pids();
    edit('src/cli/program.ts', (text) => `${text}\n// Changed.\n`);
    expect(await rebuild()).to.include('Installing program.');
    await install();
    expect(restarted(former)).to.deep.equal(['producer-1', 'consumer-1']);
  });

  it('restarts nothing for a release that was built anew and has not changed', async () => {
    const former = pids();
    await rebuild();
    await install();
    expect(restarted(former)).to.deep.equal([]);
  });

  it('says what is wrong with a changed profile of an instance, and leaves the instance as it was', async () => {
    const former = pids();
    const sound = readFileSync(join(clone, 'templates', 'instance-solr.cfg.in'), 'utf8');
    edit('templates/instance-solr.cfg.in', (text) => text.replace('<= file-base', '<= fiel-base'));
    await rebuild();
    const { code, stderr } = await node.instance('--all');
    expect(code).to.equal(1);
    expect(stderr).to.include('fiel-base');
    expect(restarted(former)).to.deep.equal([]);
    writeFileSync(join(clone, 'templates', 'instance-solr.cfg.in'), sound);
    await rebuild();
    await install();
    expect(restarted(former)).to.deep.equal([]);
    await cluster.destroy();
  });
});

/** A fresh clone, with what is changed in the checkout and not committed. */
async function cloneTo(target: string): Promise<void> {
  const git = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('git', ['-c', 'safe.directory=*', ...args]);
    if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await git('clone', '--quiet', '--no-hardlinks', checkout, target);
  const changed = await git('ls-files', '-z', '--modified', '--others', '--exclude-standard');
  for (const name of changed.split('\0').filter((file) => file !== '' && existsSync(join(checkout, file)))) {
    cpSync(join(checkout, name), join(target, name), { recursive: true });
  }
}
