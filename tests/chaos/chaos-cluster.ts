import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkout, run } from '../support/checkout';
import { Cluster } from '../support/cluster';
import { Network, type Host } from './network';

const BASE_PORT = 12_000;
const ROLES = ['admin', 'producer', 'consumer', 'launcher'];
const SERVERS = ['server-a', 'server-b', 'server-c'];
const PRODUCERS = ['producer-a', 'producer-b'];
const CONSUMERS = ['consumer-a', 'consumer-b', 'consumer-c'];
const START_SECONDS = 240;

export type Kind = 'zookeeper' | 'mongodb' | 'solr' | 'producer' | 'consumer';

/** One process that faults can meet. */
export interface Member {
  readonly kind: Kind;
  /** For people, unique, e.g. `mongodb-2` or `producer-1 on producer-a`. */
  readonly label: string;
  /** As its own host's supervisor calls it. */
  readonly name: string;
  readonly host: Host;
  readonly cluster: Cluster;
  /** Where it listens. */
  readonly ports: readonly number[];
}

/**
 * Three hosts with one of each server, two with a producer, three with a consumer, each a network namespace with a
 * supervisor and a folder of its own.
 */
export class ChaosCluster {
  private constructor(
    readonly network: Network, readonly members: readonly Member[], private readonly clusters: readonly Cluster[],
    private readonly up: (host: string) => Promise<void>,
  ) {}

  static async start(folder: string): Promise<ChaosCluster> {
    const network = await Network.create([...SERVERS, ...PRODUCERS, ...CONSUMERS]);
    const clusters = new Map(network.hosts.map((host) => (
      [host.name, new Cluster(join(folder, host.name), BASE_PORT, host.address)])));
    const secrets = ROLES.map((role) => [role, `${role}:${randomBytes(32).toString('hex')}\n`] as const);
    for (const cluster of clusters.values()) {
      await mkdir(join(cluster.folder, 'secrets'), { recursive: true, mode: 0o700 });
      for (const [role, secret] of secrets) await writeFile(join(cluster.folder, 'secrets', role), secret, { mode: 0o600 });
    }
    const addresses = SERVERS.map((name) => network.host(name).address);
    const ensemble = addresses.map((address) => `[${address}]:${BASE_PORT + 1}`).join(' ');
    const options = new Map<string, readonly string[]>([
      ...SERVERS.map((name) => [name, ['--hosts', addresses.join(' '), '--producers', '0', '--consumers', '0']] as const),
      ...PRODUCERS.map((name) => [name, ['--join', ensemble, '--producers', '1', '--consumers', '0']] as const),
      ...CONSUMERS.map((name) => [name, ['--join', ensemble, '--producers', '0', '--consumers', '1']] as const),
    ]);
    const up = (name: string): Promise<void> => startHost(clusters.get(name) as Cluster, name, options.get(name) ?? []);
    await Promise.all(SERVERS.map(up));
    await Promise.all([...PRODUCERS, ...CONSUMERS].map(up));
    return new ChaosCluster(network, membersOf(network, clusters), [...clusters.values()], up);
  }

  /** The one whose folder has the administrator's configuration. */
  get first(): Cluster {
    const [first] = this.clusters;
    if (first === undefined) throw new Error('there is no host');
    return first;
  }

  of(...kinds: readonly Kind[]): readonly Member[] {
    return this.members.filter(({ kind }) => kinds.includes(kind));
  }

  /** Makes the folder of a member that lost it anew, and starts it. */
  async renew(member: Member): Promise<void> {
    await this.up(member.host.name);
  }

  async waitUntilReady(timeoutMs: number): Promise<void> {
    await Promise.all(this.clusters.map((cluster) => cluster.waitUntilReady(timeoutMs)));
  }

  /** Ends everything; what the hosts have on disk stays. */
  async stop(): Promise<void> {
    await Promise.all(this.clusters.map((cluster) => cluster.stopAndKeep()));
  }
}

async function startHost(cluster: Cluster, name: string, options: readonly string[]): Promise<void> {
  const { code, stderr } = await run('ip', [
    'netns', 'exec', name, join(checkout, 'venv', 'bin', 'python'), 'cluster', 'up', '--var', cluster.folder,
    '--base-port', String(BASE_PORT), '--address', cluster.address, '--timeout', String(START_SECONDS), ...options,
  ]);
  if (code !== 0) throw new Error(`the host ${name} did not start: ${stderr}`);
}

function membersOf(network: Network, clusters: ReadonlyMap<string, Cluster>): readonly Member[] {
  const member = (kind: Kind, hostName: string, name: string, ports: readonly number[]): Member => ({
    kind, name, ports, label: ['producer', 'consumer'].includes(kind) ? hostName : name,
    host: network.host(hostName), cluster: clusters.get(hostName) as Cluster,
  });
  return [
    ...SERVERS.flatMap((host, index) => [
      member('zookeeper', host, `zookeeper-${index + 1}`, [1, 11, 21].map((offset) => BASE_PORT + offset)),
      member('mongodb', host, `mongodb-${index + 1}`, [BASE_PORT + 31]),
      member('solr', host, `solr-${index + 1}`, [BASE_PORT + 41]),
    ]),
    ...PRODUCERS.map((host) => member('producer', host, 'producer-1', [BASE_PORT + 51])),
    ...CONSUMERS.map((host) => member('consumer', host, 'consumer-1', [BASE_PORT + 71])),
  ];
}
