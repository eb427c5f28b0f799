import { spawn, type ChildProcess } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MongodbAccess } from '../../src/archive/mongodb-access';
import { Authority } from '../../src/authority/authority';
import { systemClock, type Clock } from '../../src/clock';
import { initiateReplicaSet } from '../../src/process/replica-set';
import { systemRandom } from '../../src/random';
import { checkout } from './checkout';
import { freeBasePort } from './free-ports';

const ROLES = ['admin', 'producer', 'consumer', 'launcher'];

export interface ServerTls {
  /** PEM. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export interface TlsOptions {
  readonly secret?: string;
  readonly address?: string;
  /** For how long ago it is made, as the authority's clock has it. */
  readonly agedDays?: number;
}

/** A certificate as a cluster's root gives it to a server. */
export async function serverTls({ secret = 'one cluster', address = '::1', agedDays = 0 }: TlsOptions = {}): Promise<ServerTls> {
  const clock: Clock = { ...systemClock, now: () => Date.now() - agedDays * 86_400_000 };
  const authority = await Authority.open({ secret, clock, random: systemRandom });
  const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  const certificate = await authority.issue({ address, publicKey, renewDays: 0 }, undefined);
  return { authority: await authority.certificate(undefined), certificate, key: key.toString() };
}

/** One mongod of a test's own that asks for passwords and speaks TLS, as the SlapOS release starts it. */
export class SecuredMongod {
  private child: ChildProcess | undefined;
  readonly users = ROLES.map((user) => ({ user, password: randomBytes(32).toString('hex') }));

  private constructor(
    readonly port: number, readonly authority: string, readonly key: string, private readonly folder: string,
  ) {}

  /** Members of one set have the same key. */
  static async start(tls: ServerTls, key = randomBytes(64).toString('hex')): Promise<SecuredMongod> {
    const folder = mkdtempSync(join(tmpdir(), 'resilog-mongod-'));
    const mongod = new SecuredMongod(await freeBasePort(), tls.authority, key, folder);
    const file = (name: string, content: string): string => {
      writeFileSync(join(mongod.folder, name), content, { mode: 0o600 });
      return join(mongod.folder, name);
    };
    mongod.child = spawn(join(checkout, 'parts', 'mongodb', 'bin', 'mongod'), [
      '--dbpath', mongod.folder, '--port', String(mongod.port), '--bind_ip', '::1', '--ipv6', '--replSet', 'rs0',
      '--nounixsocket', '--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '512', '--keyFile', file('key', mongod.key),
      '--tlsMode', 'requireTLS', '--tlsCertificateKeyFile', file('server.pem', tls.key + tls.certificate),
      '--tlsCAFile', file('authority.crt', tls.authority), '--tlsAllowConnectionsWithoutCertificates',
      '--setParameter', 'suppressNoTLSPeerCertificateWarning=true',
      '--setParameter', 'enableLocalhostAuthBypass=false', '--setParameter', 'diagnosticDataCollectionEnabled=false',
    ], { stdio: 'ignore' });
    return mongod;
  }

  get member(): string {
    return `[::1]:${this.port}`;
  }

  get url(): string {
    return `mongodb://${this.member}/?replicaSet=rs0&w=majority&journal=true&tls=true`;
  }

  /** As the root of a cluster has it. */
  get rootAccess(): MongodbAccess {
    return { authority: this.authority, key: this.key, users: this.users };
  }

  /** As the process of a role has it. */
  access(role: string): MongodbAccess {
    const credentials = this.users.find(({ user }) => user === role);
    if (credentials === undefined) throw new Error(`no user ${role}`);
    return { authority: this.authority, credentials };
  }

  /** Makes the set of this member and the others. */
  initiate(
    access: MongodbAccess = this.rootAccess, others: readonly SecuredMongod[] = [],
  ): Promise<{ readonly initiated: boolean }> {
    const members = [this, ...others].map(({ member }) => member);
    return initiateReplicaSet({ name: 'rs0', members, access, clock: systemClock, timeoutMs: 30_000 });
  }

  async remove(): Promise<void> {
    const { child } = this;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
