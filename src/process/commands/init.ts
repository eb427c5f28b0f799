import type { Command } from 'commander';
import type { CommandContext } from '../../cli/context';
import { collect } from '../../cli/commands/search';
import { createQueueTree } from '../../queue/queue-tree';
import { initialise } from '../../registry/bootstrap';
import { changeConnections, readConnections, type ClusterConnections } from '../../registry/cluster-connections';
import { readSettings } from '../../registry/settings-store';

interface InitOptions {
  readonly mongodb: string;
  readonly database?: string;
  readonly solr: readonly string[];
  readonly shards?: string;
  readonly replicas?: string;
  readonly json?: boolean;
}

export function addInitCommand(parent: Command, context: CommandContext): void {
  parent.command('init').summary('initialise a cluster\'s registry')
    .description('Makes the tree of a new cluster in ZooKeeper: identity, settings, connections, queue. Safe to repeat: what exists is'
      + ' kept, and the connections are brought up to date.')
    .requiredOption('--mongodb <url>', 'connection string of the archive\'s replica set')
    .option('--database <name>', 'database of the archive', 'resilog')
    .requiredOption('--solr <url>', 'base URL of a SolrCloud node, ending in /solr; may be repeated', collect)
    .option('--shards <n>', 'shards of the collection of a new cluster')
    .option('--replicas <n>', 'replicas of each shard of a new cluster')
    .option('--json', 'one JSON object: clusterId, created')
    .action(async (options: InitOptions) => {
      const { services, clock, random, output } = context;
      const coordination = await services.coordination();
      const connections: ClusterConnections = {
        mongodb: { volumes: [{ name: 'main', url: options.mongodb, ...(options.database === undefined ? {} : { database: options.database }) }] },
        solr: { urls: options.solr },
      };
      const index = {
        ...(options.shards === undefined ? {} : { shards: Number(options.shards) }),
        ...(options.replicas === undefined ? {} : { replicas: Number(options.replicas) }),
      };
      const identity = await initialise({
        coordination, clock, random, connections, restricted: services.restricted(),
        ...(Object.keys(index).length === 0 ? {} : { settings: { index } }),
      });
      const { settings } = await readSettings(coordination);
      await createQueueTree(coordination, settings.queue.buckets);
      if (!identity.created) await updateConnections(context, connections);
      if (options.json) output.json({ clusterId: identity.clusterId, created: identity.created });
      else output.line(`cluster ${identity.clusterId} ${identity.created ? 'is initialised' : 'was initialised before'}.`);
    });
}

/** Addresses may have changed since; other volumes, added later, are kept. */
async function updateConnections(context: CommandContext, wanted: ClusterConnections): Promise<void> {
  const coordination = await context.services.coordination();
  const current = await readConnections(coordination);
  const named = new Set(wanted.mongodb.volumes.map(({ name }) => name));
  const volumes = [...wanted.mongodb.volumes, ...current.mongodb.volumes.filter(({ name }) => !named.has(name))];
  const next: ClusterConnections = { mongodb: { volumes }, solr: wanted.solr };
  if (JSON.stringify(next) !== JSON.stringify(current)) await changeConnections(coordination, next);
}
