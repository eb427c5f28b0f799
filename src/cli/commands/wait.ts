import type { Command } from 'commander';
import type { LaneStatus } from '../../archive/journal';
import type { StateQuery } from '../../archive/states';
import { InputError, UnavailableError, messageOf } from '../../errors';
import { isRetryable } from '../../retry';
import type { CommandContext, Services } from '../context';
import { formatCount } from '../output';
import { parseDuration } from '../time';

const POLL_MS = 250;
/** After a part of the cluster was not reached. */
const AGAIN_MS = 1_000;
/** Files of one volume that are counted, for telling how many are left. */
const WAITING_MAX = 1_000;
/** Producers' clocks may be ahead of this one by so much. */
const CLOCK_SKEW_MS = 1_000;

export function addWaitCommand(parent: Command, context: CommandContext): void {
  parent.command('wait').summary('wait until what was acknowledged is searchable')
    .description('Returns when every line acknowledged before the command was started is searchable. While a part of the'
      + ' cluster can not be reached, it goes on asking until the time is over.')
    .option('--idle', 'wait for all that was acknowledged so far')
    .option('--verified', 'wait also until the index was checked against the archive')
    .option('--timeout <duration>', 'give up after this long, e.g. 90s; a bare number is seconds', '120s')
    .option('--json', 'one JSON object: idle, verified, waitedMs')
    .action(async (options: { idle?: boolean; verified?: boolean; timeout: string; json?: boolean }) => {
      if (!options.idle && !options.verified) throw new InputError('say what to wait for', { remedy: 'use --idle or --verified' });
      const timeoutMs = parseDuration(/^\d+$/.test(options.timeout) ? `${options.timeout}s` : options.timeout);
      const startedMs = context.clock.monotonic();
      const verified = options.verified === true;
      await waitIdle(context, timeoutMs, verified);
      const waitedMs = Math.round(context.clock.monotonic() - startedMs);
      if (options.json) context.output.json({ idle: true, verified, waitedMs });
    });
}

async function waitIdle(context: CommandContext, timeoutMs: number, verified: boolean): Promise<void> {
  const { clock, services, output, signal } = context;
  const over = deadline(context, timeoutMs);
  const acknowledged = await onceReached(context, over, () => highestBlocks(services));
  const phases = verified ? (['closed', 'indexed'] as const) : (['closed'] as const);
  const receivedThroughMs = clock.now() + CLOCK_SKEW_MS;
  for (;;) {
    const unclosed = await onceReached(context, over, () => countUnclosed(services, acknowledged));
    const waiting = unclosed > 0 ? 0 : await onceReached(
      context, over, () => countWaiting(services, { phases, receivedThroughMs, limit: WAITING_MAX }));
    if (unclosed === 0 && waiting === 0) break;
    if (over()) {
      output.progress('');
      throw new UnavailableError(
        `after ${timeoutMs / 1000} s, ${formatCount(unclosed)} lanes have blocks to close and ${formatCount(waiting)} files wait to be indexed`,
        { remedy: '`resilog status` shows what is down or behind' },
      );
    }
    output.progress(`waiting: ${formatCount(unclosed)} lanes to close, ${formatCount(waiting)} files to index`);
    await clock.sleep(POLL_MS, signal);
  }
  // What was accepted by the index becomes visible to searches with this.
  await onceReached(context, over, async () => {
    const index = await services.index();
    for (const collection of await services.collections()) await index.commit(collection, 'soft');
  });
  output.progress('');
}

type IsOver = () => boolean;

function deadline({ clock, signal }: CommandContext, timeoutMs: number): IsOver {
  const startedMs = clock.monotonic();
  return () => clock.monotonic() - startedMs > timeoutMs || signal.aborted;
}

/** A part of the cluster that is away may be back before the time is over: asks again until then. */
async function onceReached<T>(
  { clock, output, signal }: CommandContext, over: IsOver, ask: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isRetryable(error) || over()) throw error;
      output.progress(`waiting: ${messageOf(error)}`);
      await clock.sleep(AGAIN_MS, signal);
    }
  }
}

/** Lane → its highest block now. */
async function highestBlocks(services: Services): Promise<ReadonlyMap<string, number>> {
  const lanes = await unfinishedLanes(services);
  return new Map(lanes.map((lane) => [lane.id, lane.highestBlock]));
}

/** Lanes that still have a block of then which is not released. */
async function countUnclosed(services: Services, then: ReadonlyMap<string, number>): Promise<number> {
  const lanes = await unfinishedLanes(services);
  return lanes.filter((lane) => lane.releasedThrough < (then.get(lane.id) ?? -1)).length;
}

async function unfinishedLanes(services: Services): Promise<readonly LaneStatus[]> {
  return (await Promise.all((await services.volumes()).map(({ journal }) => journal.unfinishedLanes()))).flat();
}

async function countWaiting(services: Services, query: StateQuery): Promise<number> {
  const states = await Promise.all((await services.volumes()).map((volume) => volume.states.list(query)));
  return states.flat().length;
}
