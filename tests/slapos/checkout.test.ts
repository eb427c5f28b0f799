import { expect } from 'chai';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../support/checkout';
import { sharedNode } from './support/shared-node';
import type { SlaposNode } from './support/slapos-node';

/** As one develops it: a clone in one's own folder, supplied by its path, edited, and built again. */
describe('SlapOS: the release from a checkout', function () {
  this.timeout(1_800_000);
  let node: SlaposNode;
  let clone: string;
  let profile: string;

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

  before(async () => {
    node = await sharedNode();
    clone = join(node.folder, 'clone');
    profile = join(clone, 'software.cfg');
    const kept = readFileSync(join(checkout, 'components', 'program', 'content.txt'), 'utf8').trim().split('\n');
    for (const name of ['buildout.hash.cfg', 'software.cfg', 'software.cfg.json', 'instance.cfg.in', 'versions.cfg',
      'components', 'templates', 'tools', ...kept]) {
      cpSync(join(checkout, name), join(clone, name), { recursive: true });
    }
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
    const { stdout } = await node.run(join(await release(), 'parts', 'program', 'bin', 'resilog'), ['--version']);
    expect(stdout.trim()).to.equal((JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8')) as { version: string }).version);
  });

  it('has no development packages', async () => {
    const { code } = await node.run('test', ['-e', join(await release(), 'parts', 'program', 'node_modules', 'typescript')]);
    expect(code).to.equal(1);
  });

  it('takes a changed template once its checksum is written', async () => {
    edit('templates/logback.xml.in', (text) => text.replace('level="INFO"', 'level="WARN"'));
    expect((await node.run('python3', [join(clone, 'tools', 'hash-files.py')])).code).to.equal(0);
    const { code, stdout, stderr } = await node.slapos('node', 'software', '--all');
    expect(code, (stdout + stderr).slice(-4_000)).to.equal(0);
    expect(stdout + stderr).to.include('Installing template-logback.xml.');
    expect(readFileSync(join(await release(), 'templates', 'logback.xml.in'), 'utf8')).to.include('level="WARN"');
  });
});
