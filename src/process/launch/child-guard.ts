import { spawn, type ChildProcess } from 'node:child_process';
import type { Log } from '../../log';

/**
 * A tiny process that outlives the launcher by a moment: it holds a pipe that only the launcher writes, and when
 * that ends without the word `done`, the launcher was killed: then the child's process group goes too, first
 * politely. It is in a session of its own, so that what kills the launcher's group does not reach it.
 */
const SCRIPT = `
read -r group || exit 0
echo armed
while read -r word; do [ "$word" = done ] && exit 0; done
kill -s TERM -- "-$group" 2>/dev/null || exit 0
for second in 1 2 3; do
  sleep 1
  kill -s 0 -- "-$group" 2>/dev/null || exit 0
done
kill -s KILL -- "-$group" 2>/dev/null
`;

export class ChildGuard {
  private guard: ChildProcess | undefined;
  private released = false;

  constructor(private readonly group: number, private readonly log: Log) {}

  /** Resolves when the guard watches. A guard that dies is replaced as long as the child is not released. */
  async arm(): Promise<void> {
    const guard = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
    this.guard = guard;
    guard.stdin.on('error', () => undefined);
    const armed = new Promise<void>((resolve, reject) => {
      guard.stdout.once('data', () => { resolve(); });
      guard.once('error', reject);
      guard.once('exit', () => {
        reject(new Error('the guard of the child ended'));
        this.replace(guard);
      });
    });
    guard.stdin.write(`${this.group}\n`);
    await armed;
    guard.stdout.destroy();
  }

  /** The child has ended, or is to live on: the guard goes. */
  release(): void {
    this.released = true;
    this.guard?.stdin?.end('done\n');
  }

  private replace(former: ChildProcess): void {
    if (this.released || this.guard !== former) return;
    this.log.warn('ChildGuardDied', { pid: former.pid });
    this.arm().catch((error: unknown) => { this.log.error('ChildGuardFailed', { error }); });
  }
}
