import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkout, run } from '../support/checkout';
import { Cluster } from '../support/cluster';
import { Disk } from './disk';
import { Network, type Host } from './network';

const BASE_PORT = 12_000;
const ROLES = ['admin', 'producer', 'consumer', 'launcher'];
const SERVERS = ['server-a', 'server-b', 'server-c'];
const PRODUCERS = ['producer-a', 'producer-b'];
const CONSUMERS = ['consumer-a', 'consumer-b', 'consumer-c'];
const START_SECONDS = 240;
/** More than a run of an hour fills. */
const DISK_MEBIBYTES = { server: 6_144, process: 512, zookeeper: 512 };
const STEPPED_CLOCK = join(__dirname, 'stepped-clock.cjs');

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
    private readonly disks: ReadonlyMap<string, Disk>, private readonly ownDisks: readonly Disk[],
    private readonly up: (host: string) => Promise<void>,
  ) {}

  static async start(folder: string): Promise<ChaosCluster> {
    const network = await Network.create([...SERVERS, ...PRODUCERS, ...CONSUMERS]);
    const clusters = new Map(network.hosts.map((host) => (
      [host.name, new Cluster(join(folder, host.name), BASE_PORT, host.address)])));
    const disks = new Map<string, Disk>();
    for (const [name, { folder: own }] of clusters) {
      disks.set(name, await Disk.mount(own, DISK_MEBIBYTES[SERVERS.includes(name) ? 'server' : 'process']));
    }
    // ZooKeeper's logs are on disks of their own: it never reads past a record that a full disk cut off.
    const ownDisks = await Promise.all(SERVERS.map((name, index) => (
      Disk.mount(join(folder, name, `zookeeper-${index + 1}`), DISK_MEBIBYTES.zookeeper))));
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
    return new ChaosCluster(network, membersOf(network, clusters), [...clusters.values()], disks, ownDisks, up);
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

  disk(host: Host): Disk {
    const found = this.disks.get(host.name);
    if (found === undefined) throw new Error(`${host.name} has no disk`);
    return found;
  }

  /** Sets how far the clock of a host with a producer or a consumer is off, within a quarter of a second. */
  async setClock(host: Host, offsetMs: number): Promise<void> {
    await writeFile(clockOf(dirname(this.disk(host).folder), host.name), String(offsetMs));
  }

  /** Copies what the hosts have on disk to a folder, which is there when this program's mounts are gone. */
  async keepDisks(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    for (const [name, disk] of this.disks) await disk.copyTo(join(folder, name));
  }

  async dropDisks(): Promise<void> {
    for (const disk of [...this.ownDisks, ...this.disks.values()]) await disk.unmount();
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

/** On another disk than the host's own, which may be full. */
function clockOf(folder: string, host: string): string {
  return join(folder, `${host}.clock`);
}

async function startHost(cluster: Cluster, name: string, options: readonly string[]): Promise<void> {
  const environment = {
    NODE_OPTIONS: `--require ${STEPPED_CLOCK}`, RESILOG_CHAOS_CLOCK: clockOf(dirname(cluster.folder), name),
  };
  const { code, stderr } = await run('ip', [
    'netns', 'exec', name, join(checkout, 'venv', 'bin', 'python'), 'cluster', 'up', '--var', cluster.folder,
    '--base-port', String(BASE_PORT), '--address', cluster.address, '--timeout', String(START_SECONDS), ...options,
  ], { environment });
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
