import { dirname } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CommandContext } from '../../cli/context';
import { parseDuration } from '../../cli/time';
import { createLog } from '../../log';
import { componentKinds, type ComponentKind } from '../../registry/paths';
import { Adapters } from '../adapters';
import { namedConfiguration } from '../configuration';

interface LaunchFlags {
  readonly kind: ComponentKind;
  readonly member: string;
  readonly address: string;
  readonly health: string;
  readonly data?: string;
  readonly componentVersion?: string;
  readonly startDeadline: string;
  readonly renewAfter?: string;
  readonly afterRegistry?: boolean;
}

export function addLaunchCommand(parent: Command, context: CommandContext): void {
  parent.command('launch').summary('run a component and keep its presence in the registry')
    .description('Starts a component and publishes its presence in ZooKeeper for exactly as long as it runs and is healthy. Passes'
      + ' signals on and ends with its exit code. Needs --config.')
    .addOption(new Option('--kind <kind>', 'kind of component').choices(componentKinds).makeOptionMandatory())
    .requiredOption('--member <name>', 'name among its kind, stable over restarts', memberName)
    .requiredOption('--address <address>', 'where others reach it, e.g. [::1]:27017')
    .requiredOption('--health <check>', 'tcp:[::1]:2181:ruok=imok, http://…, mongodb://… or exec:COMMAND')
    .option('--data <folder>', 'folder of its data, whose disk is watched')
    .option('--component-version <version>', 'version that its presence shows')
    .option('--start-deadline <duration>', 'a component that is not healthy by then is ended, to be started anew', '180s')
    .option('--renew-after <duration>', 'one that was healthy, or saw ZooKeeper go, and is not healthy for so long although ZooKeeper is there, is ended too')
    .option('--after-registry', 'start it only when ZooKeeper is reached: for one that is of no use when it was not')
    .argument('<command...>', 'the component and its arguments, after --')
    .action(async (command: string[], flags: LaunchFlags) => {
      const configuration = namedConfiguration(parent);
      const startDeadlineMs = parseDuration(flags.startDeadline);
      const { clock, random } = context;
      const log = createLog({
        clock, level: configuration.logLevel, write: (line) => { process.stdout.write(line); },
        fields: { process: 'launch', kind: flags.kind, member: flags.member },
      });
      const { runLaunch } = await import('../launch/launch');
      context.setExitCode(await runLaunch({
        kind: flags.kind, member: flags.member, address: flags.address, health: flags.health, command, startDeadlineMs,
        data: flags.data ?? configuration.data ?? dirname(configuration.file),
        ...(flags.renewAfter === undefined ? {} : { renewAfterMs: parseDuration(flags.renewAfter) }),
        afterRegistry: flags.afterRegistry === true,
        ...(flags.componentVersion === undefined ? {} : { version: flags.componentVersion }),
        access: configuration,
        connect: () => new Adapters({ configuration, clock, random, log }).coordination(),
        clock, log, signals: process,
      }));
    });
}

function memberName(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text)) throw new InvalidArgumentError('use letters, digits, dots and dashes.');
  return text;
}
