import type { Command } from 'commander';
import type { SetAsideLine } from '../../archive/states';
import { reopenDeletions } from '../../retention/deletion';
import type { CommandContext } from '../context';
import { parseCount } from '../time';

export function addSetAsideCommand(parent: Command, context: CommandContext): void {
  const setAside = parent.command('set-aside').summary('lines that the index refused')
    .description('Lines that the index refused, with the reason. They are in the archive and can be replayed.');
  setAside.command('list').summary('list set-aside lines')
    .option('--limit <n>', 'lines to show, 1 to 100000', '100')
    .option('--json', 'one JSON object a line')
    .action(async (options: { limit: string; json?: boolean }) => {
      const { states } = await context.services.volume();
      const lines = await states.setAsideLines({ limit: parseCount(options.limit, '--limit', 1, 100_000) });
      if (options.json) for (const line of lines) context.output.json({ id: lineId(line), ...line });
      else {
        context.output.table([
          ['line', 'set aside', 'reason'],
          ...lines.map((line) => [lineId(line), new Date(line.atMs).toISOString(), line.reason]),
        ]);
      }
    });
  setAside.command('replay').summary('index the files of set-aside lines again')
    .description('Indexes again, from their first line, the files that have set-aside lines: after the schema was mended.')
    .option('--json', 'one JSON object a line')
    .action(async (options: { json?: boolean }) => {
      await replay(context, options.json === true);
    });
}

function lineId(line: SetAsideLine): string {
  return `${line.fileId}!${line.line}`;
}

async function replay(context: CommandContext, json: boolean): Promise<void> {
  const { states, deletions } = await context.services.volume();
  const queue = await context.services.queue();
  const seen = new Set<string>();
  let after: SetAsideLine | undefined;
  for (;;) {
    const lines = await states.setAsideLines({ limit: 1_000, ...(after === undefined ? {} : { after }) });
    for (const { fileId } of lines) {
      if (seen.has(fileId)) continue;
      seen.add(fileId);
      const state = await states.get(fileId);
      if (state === undefined) continue;
      // No deletion has seen the lines that the index refused.
      await reopenDeletions(deletions, state.firstReceivedMs);
      // Restarting forgets the set-aside lines of the former claim; those still refused are noted anew.
      const restarted = await states.restart(fileId, state.claim, context.clock.now());
      if (restarted) await queue.put([fileId]);
      if (json) context.output.json({ fileId, replayed: restarted });
      else context.output.line(restarted ? `${fileId} is queued again.` : `${fileId} is ${state.phase}; it is not indexed again.`);
    }
    after = lines.at(-1);
    if (lines.length < 1_000 || context.signal.aborted) break;
  }
  if (seen.size === 0) context.output.note('No line is set aside.');
}
