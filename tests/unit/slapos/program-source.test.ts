import { expect } from 'chai';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkout, run, type Run } from '../../support/checkout';

/** The part of the program alone, built by buildout for real; npm is one that does nothing. */
describe('the source of the program in the SlapOS release', function () {
  this.timeout(120_000);
  let folder: string;
  let revision = '';

  const write = (name: string, content: string, mode = 0o644): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content, { mode });
  };
  const git = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('git', [
      '-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], { cwd: join(folder, 'repository') });
    expect(code, stderr).to.equal(0);
    return stdout.trim();
  };
  const build = (...options: string[]): Promise<Run> => {
    write('buildout.cfg', [
      '[buildout]', `extends = ${join(checkout, 'components', 'program', 'release.cfg')}`, 'parts = program', 'offline = true',
      '[program-source]', `base = ${join(folder, 'repository')}`, ...options,
      '[node]', `location = ${join(folder, 'node')}`, '[pylogsparser]', `location = ${join(folder, 'node')}`,
    ].join('\n'));
    return run(join(checkout, 'venv', 'bin', 'buildout'), [], { cwd: folder });
  };
  const built = (name: string): string => readFileSync(join(folder, 'parts', 'program', name), 'utf8');

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    write('node/bin/npm', '#!/bin/sh\nexit 0\n', 0o755);
    write('repository/components/program/content.txt', 'bin/resilog\nsrc\n');
    write('repository/bin/resilog', '#!/bin/sh\necho 1\n', 0o755);
    write('repository/src/version', 'first');
    write('repository/notes', 'not of the program');
    await git('init', '--quiet');
    await git('add', '.');
    await git('commit', '--quiet', '--message', 'first');
    revision = await git('rev-parse', 'HEAD');
    write('repository/src/version', 'second');
    await git('commit', '--quiet', '--all', '--message', 'second');
  });

  afterEach(() => { rmSync(folder, { recursive: true }); });

  it('is the revision of a git repository that is named', async () => {
    const { code, stdout, stderr } = await build(`repository = ${join(folder, 'repository')}`, `revision = ${revision}`);
    expect(code, stdout + stderr).to.equal(0);
    expect(built('src/version')).to.equal('first');
    expect(existsSync(join(folder, 'parts', 'program', 'notes'))).to.equal(false);
    expect(existsSync(join(folder, 'parts', 'program', '.git'))).to.equal(false);
  });

  it('is the checkout when nothing is named', async () => {
    const { code, stdout, stderr } = await build();
    expect(code, stdout + stderr).to.equal(0);
    expect(built('src/version')).to.equal('second');
  });

  const refused: readonly [what: string, options: (repository: string) => readonly string[], said: string][] = [
    ['a branch in the place of a revision', (repository) => [`repository = ${repository}`, 'revision = main'],
      'revision is "main", but has to be the 40 digits of a commit'],
    ['a revision that is not there', (repository) => [`repository = ${repository}`, `revision = ${'0'.repeat(40)}`],
      `git has no revision ${'0'.repeat(40)}`],
    ['an archive without its checksum', () => ['url = http://[::1]:1/a.tar.gz'], 'url is set, but not its sha256'],
    ['an archive and a repository', (repository) => ['url = http://[::1]:1/a.tar.gz', `repository = ${repository}`],
      'has both url and repository'],
    ['a profile from an address alone', () => ['base = http://[::1]:1'], 'set [program-source] url and sha256, or repository'],
  ];
  for (const [what, options, said] of refused) {
    it(`refuses ${what}`, async () => {
      const { code, stdout, stderr } = await build(...options(join(folder, 'repository')));
      expect(code).not.to.equal(0);
      expect(stdout + stderr).to.include(said);
    });
  }
});
