import type { Command } from 'commander';
import { createReadStream, statSync } from 'node:fs';
import { ConfigurationError, InputError, NotFoundError, messageOf } from '../../errors';
import { limits } from '../../limits';
import { randomHex } from '../../random';
import { backoffMs, isRetryable } from '../../retry';
import type { CommandContext } from '../context';
import { lineChunks } from '../line-chunks';
import { formatBytes, formatCount } from '../output';
import type { SendProgress } from '../send-progress';
import { dropProgress, openProgress, saveProgress } from '../send-progress';
import type { Sender } from '../sender';
import { BusyError, createSender } from '../sender';
import { parseDuration } from '../time';

interface SendOptions {
  readonly source: string;
  readonly giveUpAfter: string;
  readonly json?: boolean;
}

const CHUNK_BYTES = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;

export function addSendCommand(parent: Command, context: CommandContext): void {
  parent.command('send').summary('send the lines of a file or of standard input')
    .description('Sends lines to a producer and returns when all of them are durable. An interrupted sending of a file goes on'
      + ' where it stopped when the command is repeated: nothing is sent twice.')
    .argument('<file>', 'file of lines, or - for standard input')
    .requiredOption('--source <name>', 'the declared source that the lines come from')
    .option('--give-up-after <duration>', 'how long to repeat a request that finds no producer able to take it', '5m')
    .option('--json', 'one JSON object at the end: lines, bytes, requests, retries')
    .action(async (file: string, options: SendOptions) => {
      await send(context, file, options);
    });
}

interface Totals {
  lines: number;
  bytes: number;
  requests: number;
  retries: number;
}

async function send(context: CommandContext, file: string, options: SendOptions): Promise<void> {
  const { clock, output } = context;
  const giveUpMs = parseDuration(options.giveUpAfter);
  const isFile = file !== '-';
  if (isFile) mustBeReadable(file);
  const target = await context.services.sendTarget(options.source);
  if (target.destinations.length === 0) {
    throw new ConfigurationError('no producer is up', { remedy: '`resilog status` shows what is; for the local cluster: `make up`' });
  }
  const sender = createSender({ ...target, clock, requestTimeoutMs: REQUEST_TIMEOUT_MS });
  const progress: SendProgress = isFile
    ? openProgress(file, options.source, context.random)
    : { run: randomHex(context.random, 16), head: '', source: options.source, offset: 0, end: 0, lines: 0 };
  if (progress.offset > 0) output.note(`Going on behind ${formatBytes(progress.offset)} that were sent before.`);
  const size = isFile ? statSync(file).size : undefined;
  const totals: Totals = { lines: 0, bytes: 0, requests: 0, retries: 0 };
  const startedMs = clock.monotonic();
  const sendAll = async (input: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of lineChunks(input, CHUNK_BYTES, limits.lineBytes)) {
      if (context.signal.aborted) throw new InputError('interrupted; repeat the command to go on');
      const answer = await sendChunk(context, sender, chunk, progress, totals, giveUpMs);
      totals.lines += answer;
      totals.bytes += chunk.length;
      progress.offset += chunk.length;
      progress.lines += answer;
      if (isFile) saveProgress(file, progress);
      showProgress(context, totals, progress.offset, size, clock.monotonic() - startedMs);
    }
  };
  try {
    if (size === undefined) await sendAll(process.stdin as AsyncIterable<Buffer>);
    else await sendFile(file, size, progress, sendAll);
  } finally {
    sender.close();
    output.progress('');
  }
  if (isFile) dropProgress(file);
  if (options.json) output.json({ source: options.source, ...totals });
  else output.line(`${formatCount(totals.lines)} lines (${formatBytes(totals.bytes)}) are durable.`);
}

/** Sends what an interrupted sending covered, then what has come behind it since. */
async function sendFile(
  file: string, size: number, progress: SendProgress, sendAll: (input: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  while (progress.offset < size) {
    if (progress.offset >= progress.end) {
      progress.end = size;
      saveProgress(file, progress);
    }
    const range = { start: progress.offset, end: progress.end - 1, highWaterMark: CHUNK_BYTES };
    await sendAll(createReadStream(file, range) as AsyncIterable<Buffer>);
    if (progress.offset < progress.end) throw new InputError(`${file} became shorter while it was sent`);
  }
}

/** Repeats one body with the same key until it has an answer: it is stored once however often it was sent. */
async function sendChunk(
  context: CommandContext, sender: Sender, chunk: Buffer, progress: SendProgress, totals: Totals, giveUpMs: number,
): Promise<number> {
  const key = `${progress.run}-${progress.offset}`;
  const startedMs = context.clock.monotonic();
  for (let attempt = 1; ; attempt += 1) {
    totals.requests += 1;
    try {
      return (await sender.send(chunk, key)).lines;
    } catch (error) {
      const late = context.clock.monotonic() - startedMs > giveUpMs;
      if (!isRetryable(error) || late || context.signal.aborted) throw error;
      totals.retries += 1;
      const waitMs = error instanceof BusyError ? error.retryAfterMs : backoffMs(attempt, context.random);
      context.output.progress(`retrying in ${(waitMs / 1000).toFixed(1)} s: ${messageOf(error)}`);
      await context.clock.sleep(waitMs, context.signal);
    }
  }
}

function mustBeReadable(file: string): void {
  try {
    if (!statSync(file).isFile()) throw new InputError(`${file} is not a file`);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new NotFoundError(`${file} can't be read: ${messageOf(error)}`, { cause: error });
  }
}

function showProgress(
  context: CommandContext, totals: Totals, offset: number, size: number | undefined, elapsedMs: number,
): void {
  const share = size === undefined || size === 0 ? '' : ` ${((offset / size) * 100).toFixed(0)} %`;
  const rate = formatBytes(totals.bytes / Math.max(elapsedMs / 1000, 0.001));
  context.output.progress(`${formatCount(totals.lines)} lines${share}, ${rate}/s`);
}
