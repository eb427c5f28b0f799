import type { Command } from 'commander';
import type { SetAsideLine } from '../../archive/states';
import type { Volume } from '../../archive/volume';
import { faultPoint } from '../../fault-points';
import { reopenDeletions } from '../../retention/deletion';
import type { CommandContext } from '../context';
import { parseCount } from '../time';

const PAGE = 1_000;

export function addSetAsideCommand(parent: Command, context: CommandContext): void {
  const setAside = parent.command('set-aside').summary('lines that the index refused')
    .description('Lines that the index refused, with the reason. They are in the archive and can be replayed.');
  setAside.command('list').summary('list set-aside lines')
    .option('--limit <n>', 'lines to show, 1 to 100000', '100')
    .option('--json', 'one JSON object a line')
    .action(async (options: { limit: string; json?: boolean }) => {
      const limit = parseCount(options.limit, '--limit', 1, 100_000);
      const lines: SetAsideLine[] = [];
      for (const { states } of await context.services.volumes()) {
        lines.push(...await states.setAsideLines({ limit: limit - lines.length }));
        if (lines.length === limit) break;
      }
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
  let files = 0;
  for (const volume of await context.services.volumes()) files += await replayVolume(volume, context, json);
  if (files === 0) context.output.note('No line is set aside.');
}

/** Returns the number of files that had set-aside lines. */
async function replayVolume({ states }: Volume, context: CommandContext, json: boolean): Promise<number> {
  const deletions = await context.services.deletions();
  const queue = await context.services.queue();
  const seen = new Set<string>();
  let after: SetAsideLine | undefined;
  for (;;) {
    const lines = await states.setAsideLines({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { fileId } of lines) {
      if (seen.has(fileId)) continue;
      seen.add(fileId);
      const state = await states.get(fileId);
      if (state === undefined) continue;
      // No deletion has seen the lines that the index refused.
      await reopenDeletions(deletions, state.firstReceivedMs);
      // Restarting forgets the set-aside lines of the former claim; those still refused are noted anew.
      const restarted = await states.restart(fileId, state.claim, context.clock.now());
      faultPoint('replay.file-restarted');
      if (restarted) await queue.put([fileId]);
      faultPoint('replay.set-aside-queued');
      if (json) context.output.json({ fileId, replayed: restarted });
      else context.output.line(restarted ? `${fileId} is queued again.` : `${fileId} is ${state.phase}; it is not indexed again.`);
    }
    after = lines.at(-1);
    if (lines.length < PAGE || context.signal.aborted) return seen.size;
  }
}
