import type { Command } from 'commander';
import type { CommandContext } from '../../cli/context';
import { collect } from '../../cli/commands/search';
import { ExitCode } from '../../cli/exit-codes';
import { parseDuration } from '../../cli/time';
import type { MongodbAccess } from '../../archive/mongodb-access';
import { readConfiguration } from '../configuration';

interface ReplicaSetFlags {
  readonly member: readonly string[];
  readonly name: string;
  readonly timeout: string;
  readonly json?: boolean;
}

const MEMBER = ['--member <address>', 'a member, e.g. [::1]:27017; repeated for each'] as const;

export function addReplicaSetCommand(parent: Command, context: CommandContext): void {
  const replicaSet = parent.command('replica-set').summary('initiate the archive\'s replica set, and look at it')
    .description('The replica set of MongoDB that keeps the archive, before there is a cluster. Needs no configuration'
      + ' file, unless its members ask for passwords or speak TLS: then --config names one that has "mongodb".');
  const access = (): MongodbAccess | undefined => {
    const { config } = parent.opts<{ config?: string }>();
    return config === undefined ? undefined : readConfiguration(config).mongodb;
  };
  addInitiate(replicaSet, context, access);
  replicaSet.command('status').summary('show what every member says of itself')
    .description(`Asks every member. Ends with ${ExitCode.unavailable} unless one is primary and all others are secondary.`)
    .requiredOption(...MEMBER, collect)
    .option('--json', 'one JSON object a line: member, state, set, problem')
    .action(async ({ member, json }: ReplicaSetFlags) => {
      const { readMembers } = await import('../replica-set');
      const states = await readMembers({ members: member, ...given(access()) });
      if (json) for (const state of states) context.output.json(state);
      else {
        context.output.table([
          ['member', 'state', 'set', ''], ...states.map((one) => [one.member, one.state, one.set ?? '', one.problem ?? '']),
        ]);
      }
      const primaries = states.filter(({ state }) => state === 'primary').length;
      const secondaries = states.filter(({ state }) => state === 'secondary').length;
      if (primaries !== 1 || primaries + secondaries < states.length) context.setExitCode(ExitCode.unavailable);
    });
}

function given(access: MongodbAccess | undefined): { access?: MongodbAccess } {
  return access === undefined ? {} : { access };
}

function addInitiate(replicaSet: Command, context: CommandContext, access: () => MongodbAccess | undefined): void {
  replicaSet.command('initiate').summary('make the replica set, unless it is made')
    .description('Waits until every member is up, makes the replica set unless there is one, and its users when the configuration'
      + ' names some, and returns when it has a primary.'
      + ' Safe to repeat. The first member is the one that is asked, so name them in the same order everywhere.')
    .requiredOption(...MEMBER, collect)
    .option('--name <name>', 'name of the set, as mongod\'s --replSet', 'rs0')
    .option('--timeout <duration>', `how long to wait; then it ends with ${ExitCode.unavailable}`, '60s')
    .option('--json', 'one JSON object: name, members, initiated')
    .action(async ({ member, name, timeout, json }: ReplicaSetFlags) => {
      const { clock, output, signal } = context;
      const { initiateReplicaSet } = await import('../replica-set');
      const { initiated } = await initiateReplicaSet({
        name, members: member, ...given(access()), clock, timeoutMs: parseDuration(timeout), signal,
        onProgress: (waitingFor) => { output.progress(`waiting: ${waitingFor === '' ? 'for a primary' : waitingFor}`); },
      });
      output.progress('');
      if (json) output.json({ name, members: member, initiated });
      else output.line(`replica set ${name} ${initiated ? 'is initiated' : 'was initiated before'}.`);
    });
}
