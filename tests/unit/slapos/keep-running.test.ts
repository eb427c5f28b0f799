import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkout } from '../../support/checkout';
import { isAlive } from '../../support/process-tree';

/** A service that notes its process id at each start, and ends politely. */
const SERVICE = '#!/bin/sh\necho $$ >>"$(dirname "$0")/starts"\nexec sleep 600\n';

describe('keep-running.sh', function () {
  this.timeout(60_000);
  let folder: string;
  const running: ChildProcess[] = [];

  const start = (...options: string[]): ChildProcess => {
    const child = spawn('/bin/sh', [join(checkout, 'templates', 'keep-running.sh'), ...options, join(folder, 'run')],
      { detached: true, stdio: 'ignore' });
    running.push(child);
    return child;
  };
  const starts = (): number[] => {
    const file = join(folder, 'starts');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
  };
  const nth = async (count: number): Promise<number> => {
    while (starts().length < count) await sleep(20);
    return starts()[count - 1] ?? 0;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    writeFileSync(join(folder, 'run'), SERVICE, { mode: 0o755 });
  });

  afterEach(() => {
    for (const pid of [...running.splice(0).map((child) => child.pid ?? 0), ...starts()]) {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }
    rmSync(folder, { recursive: true });
  });

  it('starts a service anew that ended by itself', async () => {
    start();
    const first = await nth(1);
    process.kill(first, 'SIGKILL');
    expect(await nth(2)).not.to.equal(first);
  });

  it('appends all output to a log of the partition\'s own', async () => {
    const log = join(folder, 'service-output.log');
    writeFileSync(log, 'before\n');
    writeFileSync(join(folder, 'run'), SERVICE.replace('exec', 'echo said; echo complained >&2; exec'));
    const child = start('--log', log);
    const service = await nth(1);
    process.kill(service, 'SIGKILL');
    await nth(2);
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    expect(readFileSync(log, 'utf8')).to.match(/^before\nsaid\ncomplained\n(.*\n)*keep-running: .*run ended with 137/);
  });

  it('ends with its service when the group is told to', async () => {
    const child = start();
    const service = await nth(1);
    const ended = new Promise((resolve) => { child.on('exit', resolve); });
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    await ended;
    expect(isAlive(service)).to.equal(false);
    expect(starts()).to.have.length(1);
  });

  it('ends what outlived its killed predecessor before it starts another', async () => {
    const killed = start();
    const first = await nth(1);
    await sleep(200);
    killed.kill('SIGKILL');
    await sleep(100);
    expect(isAlive(first)).to.equal(true);
    start();
    await nth(2);
    expect(isAlive(first)).to.equal(false);
  });
});
