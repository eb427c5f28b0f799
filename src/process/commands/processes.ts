import type { Command } from 'commander';
import type { CommandContext } from '../../cli/context';
import { createLog } from '../../log';
import { namedConfiguration } from '../configuration';
import { runUntilStopped, type Service } from '../lifecycle';
import type { ProcessOptions } from '../producer-process';

/** How long a graceful stop may take. What is not done by then is left to others, who lose nothing of it. */
const STOP_DEADLINE_MS = 20_000;

type CreateService = (options: ProcessOptions) => Service;

const KINDS: readonly (readonly [name: string, summary: string, load: () => Promise<CreateService>])[] = [
  ['producer', 'run a producer: takes lines over HTTPS and keeps them',
    async () => (await import('../producer-process')).createProducerProcess],
  ['consumer', 'run a consumer: normalises and indexes archived lines',
    async () => (await import('../consumer-process')).createConsumerProcess],
];

export function addProcessCommands(parent: Command, context: CommandContext): void {
  for (const [name, summary, load] of KINDS) {
    parent.command(name).summary(summary)
      .description(`${summary[0]?.toUpperCase() ?? ''}${summary.slice(1)}. Runs in the foreground until SIGTERM; its events are JSON lines on standard output. Needs --config.`)
      .action(async () => {
        const configuration = namedConfiguration(parent);
        const log = createLog({
          clock: context.clock, level: configuration.logLevel, write: (line) => { process.stdout.write(line); },
          fields: { process: name, member: configuration.member },
        });
        const create = await load();
        const service = create({ configuration, clock: context.clock, random: context.random, log });
        context.setExitCode(await runUntilStopped({
          service, clock: context.clock, log, stopDeadlineMs: STOP_DEADLINE_MS, process,
        }));
      });
  }
}
