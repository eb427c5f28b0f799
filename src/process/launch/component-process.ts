import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { UnavailableError } from '../../errors';
import type { Log } from '../../log';
import { ChildGuard } from './child-guard';

/** The child waits for a line before it becomes the component: until then nothing runs that nobody guards. */
const STUB = 'read -r go <&3 && exec "$@" 3<&-';

/**
 * The component's process, in a process group of its own. Ends with the launcher, however that ends. Its output is
 * the launcher's.
 */
export class ComponentProcess {
  /** The shell's convention: the exit code, or 128 + the signal's number. */
  readonly ended: Promise<number>;
  private readonly child: ChildProcess;
  private readonly guard: ChildGuard;
  private over = false;

  constructor(command: readonly string[], private readonly log: Log) {
    this.child = spawn('/bin/sh', ['-c', STUB, 'sh', ...command], {
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', (error) => { reject(new UnavailableError('the component was not started', { cause: error })); });
      this.child.once('exit', (code, signal) => {
        this.over = true;
        this.guard.release();
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
    this.ended.catch(() => undefined);
    this.guard = new ChildGuard(this.pid, log);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isOver(): boolean {
    return this.over;
  }

  /** Lets it run, once its guard watches. */
  async start(): Promise<void> {
    if (this.child.pid === undefined) {
      await this.ended;
      return;
    }
    const gate = this.child.stdio[3] as Writable;
    gate.on('error', () => undefined);
    try {
      await this.guard.arm();
    } catch (error) {
      gate.end();
      throw new UnavailableError('the guard of the component was not started', { cause: error });
    }
    gate.end('go\n');
    this.log.info('ComponentStarted', { pid: this.pid });
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.over) this.child.kill(signal);
  }
}
