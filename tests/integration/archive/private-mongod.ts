import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MongoClient } from 'mongodb';

const MONGOD = resolve(__dirname, '../../../parts/mongodb/bin/mongod');

/** A mongod (replica set of one) of a test's own, to be killed and paused. */
export class PrivateMongod {
  private child: ChildProcess | undefined;

  private constructor(private readonly folder: string, private readonly port: number) {}

  static async start(): Promise<PrivateMongod> {
    const mongod = new PrivateMongod(await mkdtemp(join(tmpdir(), 'resilog-mongod-')), await freePort());
    await mongod.restart();
    return mongod;
  }

  get url(): string {
    return `mongodb://[::1]:${this.port}/?replicaSet=rs0&w=majority&journal=true`;
  }

  /** Starts it (again) on the same data and waits until it is primary. */
  async restart(): Promise<void> {
    this.child = spawn(MONGOD, [
      '--dbpath', this.folder, '--port', String(this.port), '--bind_ip', '::1', '--ipv6', '--replSet', 'rs0',
      '--nounixsocket', '--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '512',
      ...parametersInUse(),
    ], { stdio: 'ignore' });
    const client = new MongoClient(`mongodb://[::1]:${this.port}/?directConnection=true`, {
      serverSelectionTimeoutMS: 20_000,
    });
    try {
      const admin = client.db('admin');
      const config = { _id: 'rs0', members: [{ _id: 0, host: `[::1]:${this.port}` }] };
      // AlreadyInitialized after a restart.
      await admin.command({ replSetInitiate: config }).catch(() => undefined);
      for (let tries = 0; tries < 200; tries += 1) {
        if ((await admin.command({ hello: 1 }))['isWritablePrimary'] === true) return;
        await new Promise((done) => setTimeout(done, 100));
      }
      throw new Error('mongod did not become primary');
    } finally {
      await client.close();
    }
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child?.kill(signal);
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Those that every cluster's mongod is started with, password or not. */
function parametersInUse(): string[] {
  const script = readFileSync(resolve(__dirname, '../../../templates/run-mongodb.in'), 'utf8');
  return [...script.matchAll(/^ {2}(--setParameter) (\w+=\w+)/gm)]
    .filter(([, , parameter]) => !parameter?.includes('Auth') && !parameter?.includes('TLS'))
    .flatMap(([, option, parameter]) => [option ?? '', parameter ?? '']);
}

async function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '::1', () => {
      const address = server.address();
      server.close(() => { done(typeof address === 'object' && address !== null ? address.port : 0); });
    });
  });
}
