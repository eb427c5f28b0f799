import { readFile } from 'node:fs/promises';
import { startCluster, type Cluster } from './cluster';

export interface TestServers {
  /** A replica set, with the write concern that everything uses. */
  readonly mongodbUrl: string;
  readonly zookeeper: readonly { readonly host: string; readonly port: number }[];
  readonly solrUrl: string;
}

let own: { readonly cluster: Cluster; readonly servers: TestServers } | undefined;
let starting: Promise<TestServers> | undefined;

/**
 * One mongod, one ZooKeeper and one Solr for all tests of this run, started at the first call. RESILOG_TEST_SERVERS
 * names a JSON file with the addresses of a set that is already running. A test uses names of its own
 * (database, chroot, collection) and removes them.
 */
export function servers(): Promise<TestServers> {
  starting ??= obtain();
  return starting;
}

/** Ends what `servers` started. Called once, after the last test; see hooks.ts. */
export async function stopServers(): Promise<void> {
  await starting?.catch(() => undefined);
  await own?.cluster.stop();
  own = undefined;
  starting = undefined;
}

/** The addresses of a cluster that was started with only its servers. */
export async function serversOf(cluster: Cluster): Promise<TestServers> {
  const { components } = await cluster.status();
  const addresses = (kind: string): string[] =>
    components.filter((member) => member.kind === kind).map((member) => member.address);
  const solr = addresses('solr')[0];
  if (solr === undefined) throw new Error('the cluster has no Solr');
  return {
    mongodbUrl: `mongodb://${addresses('mongodb').join(',')}/?replicaSet=rs0&w=majority&journal=true`,
    zookeeper: addresses('zookeeper').map((address) => ({
      host: address.slice(1, address.lastIndexOf(']')),
      port: Number(address.slice(address.lastIndexOf(':') + 1)),
    })),
    solrUrl: `http://${solr}/solr`,
  };
}

async function obtain(): Promise<TestServers> {
  const file = process.env.RESILOG_TEST_SERVERS;
  if (file !== undefined && file !== '') return JSON.parse(await readFile(file, 'utf8')) as TestServers;
  const cluster = await startCluster({ onlyServers: true });
  own = { cluster, servers: await serversOf(cluster) };
  return own.servers;
}
