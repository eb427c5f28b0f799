import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { CommandContext } from '../../cli/context';
import { parseDuration } from '../../cli/time';
import { ConfigurationError, messageOf } from '../../errors';
import { silentLog } from '../../log';
import { digestIdentity } from '../../registry/access';
import { connectZooKeeper } from '../../registry/zookeeper-coordination';
import { namedConfiguration } from '../configuration';
import { onlyFor, prepareSolrRegistry } from '../solr-registry';

interface PrepareFlags {
  readonly security: string;
  readonly https?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

export function addSolrCommand(parent: Command, context: CommandContext): void {
  const solr = parent.command('solr').summary('prepare ZooKeeper for nodes of SolrCloud that ask for passwords');
  solr.command('prepare').summary('put users and rights where a node finds them when it starts')
    .description('Makes the node of ZooKeeper that is the chroot of --config, which is SolrCloud\'s own, with rights for the'
      + ' credentials of --config alone, and puts SolrCloud\'s users there. To be run before a node starts, which is open to'
      + ' all until it finds them. Safe to repeat.')
    .requiredOption('--security <file>', 'what becomes security.json')
    .option('--https', 'nodes speak HTTPS, to one another too')
    .option('--timeout <duration>', 'how long ZooKeeper is waited for', '60s')
    .option('--json', 'one JSON object: prepared')
    .action(async ({ security, https, timeout, json }: PrepareFlags) => {
      const { clock, random, signal, output } = context;
      const { file, zookeeper, chroot, credentials } = namedConfiguration(parent);
      if (credentials === undefined) {
        throw new ConfigurationError(`${file} names no credentials, for whom the nodes would be`);
      }
      const coordination = connectZooKeeper({
        servers: zookeeper, chroot, credentials, access: onlyFor(digestIdentity(credentials)), clock, random,
        log: silentLog,
      });
      try {
        await prepareSolrRegistry({
          coordination, clock, signal, security: read(security), https: https === true,
          timeoutMs: parseDuration(timeout),
        });
      } finally {
        await coordination.close();
      }
      if (json) output.json({ prepared: chroot });
      else output.line(`${chroot} is prepared for nodes of SolrCloud.`);
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new ConfigurationError(`${file} can't be read: ${messageOf(error)}`, { cause: error });
  }
}
