import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CommandContext } from '../../cli/context';
import { parseDuration } from '../../cli/time';
import { createLog } from '../../log';
import { componentKinds, type ComponentKind } from '../../registry/paths';
import { Adapters } from '../adapters';
import { namedConfiguration } from '../configuration';

interface TurnFlags {
  readonly kind: ComponentKind;
  readonly member: string;
  readonly peers: number;
  readonly health?: string;
  readonly wait: string;
  readonly notice: string;
  readonly hold: string;
}

export function addTurnCommand(parent: Command, context: CommandContext): void {
  parent.command('turn').summary('wait for the turn of a member to restart, and keep it until it works again')
    .description('Members restart one at a time: waits until no other does and all others of the kind are up, writes "granted",'
      + ' and keeps the turn until the restarted member is present again. Events are JSON lines on standard error. Needs --config.')
    .addOption(new Option('--kind <kind>', 'kind of component').choices(componentKinds).makeOptionMandatory())
    .requiredOption('--member <name>', 'name among its kind')
    .requiredOption('--peers <count>', 'members that the kind has, this one included', count)
    .option('--health <check>', 'what the restarted member has to pass besides being present, as for launch')
    .option('--wait <duration>', 'longest wait for the turn', '60s')
    .option('--notice <duration>', 'a member that has not stopped by then does not restart', '60s')
    .option('--hold <duration>', 'longest time that the turn is kept for a member that has stopped', '180s')
    .action(async (flags: TurnFlags) => {
      const configuration = namedConfiguration(parent);
      const { clock, random } = context;
      const log = createLog({
        clock, level: configuration.logLevel, write: (line) => { process.stderr.write(line); },
        fields: { process: 'turn', kind: flags.kind, member: flags.member },
      });
      const [{ takeTurn }, { parseHealth }] = await Promise.all([
        import('../launch/turn'), import('../launch/health-probe'),
      ]);
      const adapters = new Adapters({ configuration, clock, random, log });
      const probe = flags.health === undefined ? undefined : parseHealth(flags.health);
      try {
        await takeTurn({
          coordination: adapters.coordination(), clock, random, log, probe,
          kind: flags.kind, member: flags.member, peers: flags.peers,
          waitMs: parseDuration(flags.wait),
          noticeMs: parseDuration(flags.notice),
          holdMs: parseDuration(flags.hold),
          onGranted: () => { context.output.line('granted'); },
        });
      } finally {
        await probe?.close();
        await adapters.close();
      }
    });
}

function count(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('use a whole number from 1.');
  return Number(text);
}
