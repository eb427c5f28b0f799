import type { Command } from 'commander';
import { findState } from '../../archive/volume-set';
import { InputError, NotFoundError } from '../../errors';
import { faultPoint } from '../../fault-points';
import { reopenDeletions } from '../../retention/deletion';
import type { CommandContext } from '../context';
import { formatCount } from '../output';
import { parseCount } from '../time';

export function addQueueCommand(parent: Command, context: CommandContext): void {
  const queue = parent.command('queue').summary('look at the queue and its dead letters')
    .description('The queue of files to index, and the files that were given up (dead letters).');
  queue.command('depth', { isDefault: true }).summary('how many items wait')
    .option('--json', 'one JSON object')
    .action(async (options: { json?: boolean }) => {
      const depth = await (await context.services.queue()).depth();
      if (options.json) context.output.json({ depth: depth.items, dead: depth.dead });
      else context.output.line(`${formatCount(depth.items)} items waiting or in work, ${formatCount(depth.dead)} dead letters.`);
    });
  queue.command('list').summary('list waiting items')
    .option('--limit <n>', 'items to show, 1 to 100000', '100')
    .option('--json', 'one JSON object a line')
    .action(async (options: { limit: string; json?: boolean }) => {
      const items = await (await context.services.queue()).list(parseCount(options.limit, '--limit', 1, 100_000));
      if (options.json) for (const item of items) context.output.json(item);
      else context.output.table([['bucket', 'item', 'files'], ...items.map((i) => [String(i.bucket), i.name, i.fileIds.join(' ')])]);
    });
  addDead(queue, context);
  addReplay(queue, context);
  addPurge(queue, context);
}

function addDead(queue: Command, context: CommandContext): void {
  queue.command('dead').summary('list the dead letters')
    .description('Lists the files that were given up, with the reason; their lines stay in the archive.')
    .option('--limit <n>', 'letters to show, 1 to 100000', '100')
    .option('--json', 'one JSON object a line')
    .action(async (options: { limit: string; json?: boolean }) => {
      const letters = await (await context.services.queue()).dead(parseCount(options.limit, '--limit', 1, 100_000));
      if (options.json) for (const letter of letters) context.output.json(letter);
      else {
        context.output.table([
          ['file', 'given up', 'reason'],
          ...letters.map((letter) => [letter.fileId, new Date(letter.atMs).toISOString(), letter.reason]),
        ]);
      }
    });
}

async function chosen(
  context: CommandContext, ids: readonly string[], all: boolean | undefined,
): Promise<readonly string[]> {
  if (all && ids.length > 0) throw new InputError('give file ids or --all, not both');
  if (!all && ids.length === 0) throw new InputError('no file is named', { remedy: 'give file ids, or --all' });
  if (!all) return ids;
  return (await (await context.services.queue()).dead(100_000)).map((letter) => letter.fileId);
}

function addReplay(queue: Command, context: CommandContext): void {
  queue.command('replay').summary('index dead letters again')
    .description('Queues given-up files again, from their first line, with a fresh count of attempts.')
    .argument('[id...]', 'ids of the files')
    .option('--all', 'every dead letter')
    .option('--json', 'one JSON object a line')
    .action(async (ids: string[], options: { all?: boolean; json?: boolean }) => {
      const queuePort = await context.services.queue();
      const volumes = await context.services.volumes();
      const deletions = await context.services.deletions();
      for (const id of await chosen(context, ids, options.all)) {
        const found = await findState(volumes, id);
        if (found === undefined) throw new NotFoundError(`there is no file ${id}`);
        const { state, volume: { states } } = found;
        // A deletion that passed the file over, since it was given up, has to meet its lines once they are indexed.
        if (state.phase === 'dead') await reopenDeletions(deletions, state.firstReceivedMs);
        // The state first: it decides; a crash behind it leaves a file that the recoverer queues.
        const revived = await states.revive(id, context.clock.now());
        faultPoint('replay.file-revived');
        if (revived) await queuePort.put([id]);
        faultPoint('replay.file-queued');
        await queuePort.unbury(id);
        if (options.json) context.output.json({ fileId: id, replayed: revived });
        else context.output.line(revived ? `${id} is queued again.` : `${id} is ${state.phase}, not dead; nothing to do.`);
      }
    });
}

function addPurge(queue: Command, context: CommandContext): void {
  queue.command('purge').summary('forget dead letters')
    .description('Takes dead letters off the list. Their files stay in the archive, unindexed, and can be replayed by id.')
    .argument('[id...]', 'ids of the files')
    .option('--all', 'every dead letter')
    .option('--json', 'one JSON object: purged')
    .action(async (ids: string[], options: { all?: boolean; json?: boolean }) => {
      const queuePort = await context.services.queue();
      const names = await chosen(context, ids, options.all);
      for (const id of names) await queuePort.unbury(id);
      if (options.json) context.output.json({ purged: names.length });
      else context.output.line(`${formatCount(names.length)} dead letters were taken off the list.`);
    });
}
