import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { checkout } from '../../support/checkout';

/** A mongod of the test's own, a replica set of one, to kill and to pause. */
export class Mongod {
  private child: ChildProcess | undefined;
  private readonly folder = mkdtempSync(join(tmpdir(), 'resilog-mongod-'));

  private constructor(private readonly port: number) {}

  static async start(): Promise<Mongod> {
    const mongod = new Mongod(await freePort());
    await mongod.run();
    const client = new MongoClient(`mongodb://[::1]:${mongod.port}/?directConnection=true`);
    await client.db('admin').command({
      replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host: `[::1]:${mongod.port}` }] },
    });
    await client.close();
    return mongod;
  }

  get url(): string {
    return `mongodb://[::1]:${this.port}/?replicaSet=rs0&w=majority&journal=true`;
  }

  /** Starts it, or starts it again, on the same data. */
  async run(): Promise<void> {
    this.child = spawn(join(checkout, 'parts', 'mongodb', 'bin', 'mongod'), [
      '--dbpath', this.folder, '--port', String(this.port), '--bind_ip', '::1', '--ipv6', '--replSet', 'rs0',
      '--nounixsocket', '--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '128', '--logpath', join(this.folder, 'log'),
      '--setParameter', 'diagnosticDataCollectionEnabled=false', '--setParameter', 'transactionLifetimeLimitSeconds=5',
    ], { stdio: 'ignore' });
    const client = new MongoClient(`mongodb://[::1]:${this.port}/?directConnection=true`, { serverSelectionTimeoutMS: 20_000 });
    await client.db('admin').command({ ping: 1 });
    await client.close();
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  continue(): void {
    this.child?.kill('SIGCONT');
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '::1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
