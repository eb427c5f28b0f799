import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkout } from '../../support/checkout';
import { freeBasePort } from '../../support/free-ports';

/** Members of a replica set of a test's own: started empty, in no set, to be killed and replaced. */
export class Mongods {
  private readonly running = new Map<string, ChildProcess>();
  private next = 0;

  private constructor(private readonly folder: string, private readonly base: number) {}

  static async open(): Promise<Mongods> {
    return new Mongods(await mkdtemp(join(tmpdir(), 'resilog-members-')), await freeBasePort());
  }

  /** Starts an empty one at another address, which it returns. */
  async start(): Promise<string> {
    this.next += 1;
    const address = `[::1]:${this.base + this.next}`;
    await this.startAt(address);
    return address;
  }

  /** Starts an empty one at this address: nothing of a former one is left. */
  async startAt(address: string): Promise<void> {
    await this.kill(address);
    const data = await mkdtemp(join(this.folder, 'data-'));
    this.running.set(address, spawn(join(checkout, 'parts', 'mongodb', 'bin', 'mongod'), [
      '--dbpath', data, '--port', address.split(']:')[1] ?? '', '--bind_ip', '::1', '--ipv6', '--replSet', 'rs0',
      '--nounixsocket', '--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '64',
      '--setParameter', 'diagnosticDataCollectionEnabled=false',
    ], { stdio: 'ignore' }));
  }

  async kill(address: string): Promise<void> {
    const child = this.running.get(address);
    this.running.delete(address);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await Promise.all([...this.running.keys()].map((address) => this.kill(address)));
    await rm(this.folder, { recursive: true, force: true });
  }
}
