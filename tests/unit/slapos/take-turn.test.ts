import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkout, run, type Run } from '../../support/checkout';

describe('take-turn.py', function () {
  this.timeout(60_000);
  let folder: string;
  let service: ChildProcess;

  const file = (name: string): string => join(folder, name);
  /** Programs that say what they are asked for. */
  const program = (name: string, rest: string): string => {
    writeFileSync(file(name), `#!/bin/sh\necho "$@" >"${file(`${name}.asked`)}"\n${rest}\n`, { mode: 0o755 });
    return file(name);
  };
  const ask = (digest: string): Promise<Run> => run('python3', [
    join(checkout, 'templates', 'take-turn.py'), file('note'), file('pid'), digest, file('log'), '--', file('new'), 'turn', '--wait']);
  const startOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')[19] ?? '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    service = spawn('sleep', ['600']);
    writeFileSync(file('pid'), `${service.pid ?? 0} ${startOf(service.pid ?? 0)}\n`);
    writeFileSync(file('note'), `one ${file('former')}`);
    program('new', 'echo granted');
  });

  afterEach(() => {
    service.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it('asks the program that the running service was started with, and goes on while that keeps the turn', async () => {
    program('former', 'echo granted\nexec sleep 3');
    expect(await ask('two')).to.include({ code: 0, stdout: '' });
    expect(readFileSync(file('former.asked'), 'utf8')).to.equal('turn --wait\n');
    expect(existsSync(file('new.asked'))).to.equal(false);
  });

  it('asks the new program when the former one is gone', async () => {
    expect((await ask('two')).code).to.equal(0);
    expect(existsSync(file('new.asked'))).to.equal(true);
  });

  it('ends with 1, the reason and the remedy when the turn is not had', async () => {
    program('former', 'echo \'{"event":"x"}\' >&2; printf \'resilog: solr-2 is down\\n  bring it up\\n\' >&2\nexit 69');
    const { code, stdout } = await ask('two');
    expect(code).to.equal(1);
    expect(stdout).to.match(/^resilog: solr-2 is down: bring it up\. The service runs on as it was; the next run tries again\./);
    expect(stdout).to.include(`remove ${file('note')}`);
  });

  for (const [what, prepare] of [
    ['nothing changes', () => { writeFileSync(file('note'), `two ${file('former')}`); }],
    ['the service was never started', () => { rmSync(file('note')); }],
    ['the service does not run', () => { writeFileSync(file('pid'), `${service.pid ?? 0} 1\n`); }],
    ['nobody noted the service', () => { rmSync(file('pid')); }],
  ] as const) {
    it(`asks nobody when ${what}`, async () => {
      program('former', 'exit 69');
      prepare();
      expect((await ask('two')).code).to.equal(0);
      expect(existsSync(file('former.asked'))).to.equal(false);
    });
  }
});
