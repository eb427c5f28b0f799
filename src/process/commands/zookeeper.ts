import type { Command } from 'commander';
import { collect } from '../../cli/commands/search';
import type { CommandContext } from '../../cli/context';
import { parseDuration } from '../../cli/time';
import { ConfigurationError } from '../../errors';
import { silentLog } from '../../log';
import { digestIdentity } from '../../registry/access';
import { closeZooKeeperRoot } from '../../registry/zookeeper-root';
import { namedConfiguration } from '../configuration';

interface CloseFlags {
  readonly creator?: readonly string[];
  readonly timeout: string;
  readonly json?: boolean;
}

export function addZooKeeperCommand(parent: Command, context: CommandContext): void {
  const zookeeper = parent.command('zookeeper').summary('close a ZooKeeper that belongs to the cluster alone');
  zookeeper.command('close').summary('take from strangers the right to make nodes')
    .description('Gives the nodes that a new ZooKeeper leaves open to everybody to the credentials of --config alone, so that nobody'
      + ' else fills it up. Safe to repeat. Not for a ZooKeeper that others use too.')
    .option('--creator <identity>', 'who else may make nodes at the top, as user:base64(sha1(user:password)); may be repeated', collect)
    .option('--timeout <duration>', 'how long ZooKeeper is waited for', '20s')
    .option('--json', 'one JSON object: closed')
    .action(async ({ creator = [], timeout, json }: CloseFlags) => {
      const { clock, output } = context;
      const { file, zookeeper: servers, credentials } = namedConfiguration(parent);
      if (credentials === undefined) throw new ConfigurationError(`${file} names no credentials, for whom ZooKeeper would be`);
      await closeZooKeeperRoot({
        servers, credentials, identity: digestIdentity(credentials), creators: creator, clock, log: silentLog,
        timeoutMs: parseDuration(timeout),
      });
      if (json) output.json({ closed: true });
      else output.line('ZooKeeper is closed to strangers.');
    });
}
