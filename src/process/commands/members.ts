import { readFileSync } from 'node:fs';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CommandContext } from '../../cli/context';
import { ExitCode } from '../../cli/exit-codes';
import { parseDuration } from '../../cli/time';
import { ConfigurationError, messageOf } from '../../errors';
import { readConfiguration, type ProcessConfiguration } from '../configuration';
import { tiers, type MembersPlan, type TierName } from '../members/plan';
import type { Tier } from '../members/tier';

interface ConvergeFlags {
  readonly plan: string;
  readonly state: string;
  readonly tier?: readonly TierName[];
  readonly superuser?: string;
  readonly timeout: string;
  readonly json?: boolean;
}

type ServersAccess = Pick<ProcessConfiguration, 'mongodb' | 'solr'>;

export function addMembersCommand(parent: Command, context: CommandContext): void {
  const members = parent.command('members').summary('let servers join, leave and be replaced')
    .description('Which servers belong to the ensemble of ZooKeeper, to the replica set of MongoDB and to SolrCloud. Needs no'
      + ' configuration file, unless they ask for passwords or speak TLS: then --config names one that has "mongodb" and "solr".');
  members.command('converge').summary('bring the servers in line with the members that are wanted')
    .description('Makes the replica set unless it is made; lets servers join that are wanted, after they have copied the data; replaces'
      + ' who lost its data; takes out who is not wanted any more, after its copies are elsewhere. One safe change after another: it may be'
      + ` killed at any point and repeated. Ends with ${ExitCode.unavailable} when something is left to be done.`)
    .requiredOption('--plan <file>', 'the members that are wanted, as JSON (see schemas/members.json)')
    .requiredOption('--state <file>', 'written after each look: who takes part, and what is waited for; keep it for the next time')
    .addOption(new Option('--tier <name>', 'only these servers; repeated for each').choices(tiers)
      .argParser((value: string, former: readonly string[] | undefined) => [...former ?? [], oneOf(value)]))
    .option('--superuser <file>', 'holds super:password of ZooKeeper, which may change its ensemble')
    .option('--timeout <duration>', 'time for all of it', '120s')
    .option('--json', 'one JSON object a tier: tier, converged, problem')
    .action(async (flags: ConvergeFlags) => {
      const { clock, output, signal } = context;
      const [{ readPlan }, { StateFile }, { converge }] = await Promise.all([
        import('../members/plan'), import('../members/state'), import('../members/converge'),
      ]);
      const chosen = await openTiers(readPlan(flags.plan), flags, context, accessOf(parent));
      try {
        const outcomes = await converge({
          tiers: chosen, state: new StateFile(flags.state), clock, timeoutMs: parseDuration(flags.timeout), signal,
          onProgress: (text) => { output.progress(text); },
        });
        output.progress('');
        for (const outcome of outcomes) {
          if (flags.json) output.json(outcome);
          else output.line(`${outcome.tier}: ${outcome.converged ? 'has its members' : outcome.problem}`);
        }
        if (outcomes.some(({ converged }) => !converged)) context.setExitCode(ExitCode.unavailable);
      } finally {
        await Promise.all(chosen.map((tier) => tier.close()));
      }
    });
}

async function openTiers(
  plan: MembersPlan, flags: ConvergeFlags, { clock }: CommandContext, access: ServersAccess,
): Promise<readonly Tier[]> {
  const makers: Readonly<Record<TierName, () => Promise<Tier | undefined>>> = {
    zookeeper: async () => {
      const { ZooKeeperTier } = await import('../members/zookeeper-tier');
      return plan.zookeeper && new ZooKeeperTier(plan.zookeeper, superuser(flags));
    },
    mongodb: async () => {
      const { MongodbTier } = await import('../members/mongodb-tier');
      return plan.mongodb && new MongodbTier(plan.mongodb, access.mongodb);
    },
    solr: async () => {
      if (plan.solr === undefined) return undefined;
      const [{ SolrTier }, { createSolrClient }] = await Promise.all([
        import('../members/solr-tier'), import('../../index/solr-client'),
      ]);
      // Nodes that have certificates answer nothing else than HTTPS.
      const scheme = access.solr?.authority === undefined ? 'http' : 'https';
      const urls = plan.solr.members.flatMap(({ address }) => (address === undefined ? [] : `${scheme}://${address}/solr`));
      return new SolrTier(plan.solr, createSolrClient({
        baseUrls: () => urls, clock, ...(access.solr === undefined ? {} : { access: access.solr }),
      }));
    },
  };
  const chosen = tiers.filter((name) => flags.tier?.includes(name) ?? true);
  const made = await Promise.all(chosen.map((name) => makers[name]()));
  return made.filter((tier) => tier !== undefined);
}

/** Nothing without --config: a configuration that happens to be found is not meant. */
function accessOf(parent: Command): ServersAccess {
  const { config } = parent.opts<{ config?: string }>();
  return config === undefined ? { mongodb: undefined, solr: undefined } : readConfiguration(config);
}

function superuser({ superuser: file }: ConvergeFlags): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new ConfigurationError(`${file} can't be read: ${messageOf(error)}`, {
      cause: error, remedy: 'name the file with super:password in --superuser',
    });
  }
}

function oneOf(value: string): TierName {
  const found = tiers.find((name) => name === value);
  if (found === undefined) throw new InvalidArgumentError(`Allowed choices are ${tiers.join(', ')}.`);
  return found;
}
