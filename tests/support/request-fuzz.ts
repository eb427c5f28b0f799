import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { rawConnection, statusesIn } from '../integration/producer/raw-client';
import { startProducer, type Running } from '../integration/producer/support';
import { mutated } from './mutation';
import { Seeded } from './seeded';

const AT_ONCE = 16;
/** A connection whose request may be half of one is given up after this. */
const QUIET_MS = 400;
/** A whole request has its answer by then, however busy the machine is. */
const WHOLE_MS = 20_000;
const BATCH = 64;
/** Of one request, with what a change may add. */
const LINES_MOST = 12;
/** Resident memory that a run may add to what the process had after its first batch. */
const GROWTH_BYTES = 250 * 1024 * 1024;

export interface RequestFuzzReport {
  readonly seed: number;
  readonly connections: number;
  readonly acknowledgedLines: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Sentences; empty when all went well. */
  readonly problems: readonly string[];
}

interface Attempt {
  readonly bytes: Buffer;
  /** Lines of a request that was not changed, to be stored exactly once. */
  readonly lines: readonly string[];
}

function attempt(random: Seeded, key: string, number: number): Attempt {
  const lines = Array.from({ length: random.between(1, 5) }, (_, index) => `fuzz ${number} ${index} ${random.between(0, 1e9)}`);
  const plain = Buffer.from(`${lines.join('\n')}\n`);
  const encoding = random.of(['identity', 'gzip', 'zstd'] as const);
  const body = encoding === 'gzip' ? gzipSync(plain) : encoding === 'zstd' ? zstdCompressSync(plain) : plain;
  const inHeader = random.fraction() < 0.5;
  const isChunked = random.fraction() < 0.5;
  const head = [
    `POST /${inHeader ? '' : key} HTTP/1.1`, 'Host: x', ...(inHeader ? [`X-Resilog-Key: ${key}`] : []),
    ...(encoding === 'identity' ? [] : [`Content-Encoding: ${encoding}`]),
    ...(random.fraction() < 0.2 ? [`Idempotency-Key: k${number}`] : []),
    isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`, 'Connection: close', '', '',
  ].join('\r\n');
  const cut = random.between(1, body.length - 1);
  const content = isChunked ? Buffer.concat([body.subarray(0, cut), body.subarray(cut)].flatMap((piece) => (
    [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])).concat(Buffer.from('0\r\n\r\n'))) : body;
  const whole = Buffer.concat([Buffer.from(head), content]);
  return random.fraction() < 0.2 ? { bytes: whole, lines } : { bytes: mutated(whole, random), lines: [] };
}

/** Sends the bytes in a few pieces, waits for an answer or until none can be expected; gives all that came back. */
async function send(port: number, bytes: Buffer, pieces: number, patienceMs: number): Promise<string> {
  const connection = await rawConnection(port);
  const step = Math.ceil(bytes.length / pieces) || 1;
  for (let start = 0; start < bytes.length; start += step) {
    connection.socket.write(bytes.subarray(start, start + step));
    if (pieces > 1) await sleep(1);
  }
  return connection.ended(patienceMs);
}

/**
 * Sends changed requests over real connections to a real intake with an archive in memory, for so many connections or
 * seconds. It has to stay alive, without a rejection that nobody handles; every 200 has exactly its lines in the
 * archive; its memory is bounded.
 */
export async function fuzzRequests(
  options: { readonly seed: number; readonly connections: number; readonly seconds?: number },
): Promise<RequestFuzzReport> {
  const random = new Seeded(options.seed);
  const problems: string[] = [];
  const onFault = (error: unknown): void => { problems.push(`not handled: ${String(error)}`); };
  process.on('unhandledRejection', onFault);
  process.on('uncaughtException', onFault);
  const endMs = performance.now() + (options.seconds ?? Infinity) * 1_000;
  const statuses: Record<string, number> = {};
  const totals = { connections: 0, acknowledged: 0 };
  let baseline: number | undefined;
  try {
    while (totals.connections < options.connections && performance.now() < endMs && problems.length < 20) {
      // A producer of its own each time: what is stored is kept in memory, and is read whole.
      const running = await startProducer();
      try {
        await fuzzBatch(running, random, totals, statuses, problems);
      } finally {
        await running.stop();
      }
      baseline ??= process.memoryUsage().rss;
    }
    const grown = process.memoryUsage().rss - (baseline ?? 0);
    if (grown > GROWTH_BYTES) problems.push(`memory grew by ${grown} bytes`);
  } finally {
    process.off('unhandledRejection', onFault);
    process.off('uncaughtException', onFault);
  }
  const { connections, acknowledged: acknowledgedLines } = totals;
  return { seed: options.seed, connections, acknowledgedLines, statuses, problems };
}

async function fuzzBatch(
  running: Running, random: Seeded, totals: { connections: number; acknowledged: number },
  statuses: Record<string, number>, problems: string[],
): Promise<void> {
  const key = running.keys.add('web');
  const attempts = Array.from({ length: BATCH }, (_, index) => (
    { ...attempt(random, key, totals.connections + index), pieces: random.between(1, 3) }));
  const left = [...attempts];
  let acknowledged = 0;
  let unanswered = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const answer = await send(
        running.port, next.bytes, next.pieces, next.lines.length > 0 ? WHOLE_MS : QUIET_MS);
      for (const status of statusesIn(answer)) statuses[status] = (statuses[status] ?? 0) + 1;
      for (const [, count] of answer.matchAll(/\{"lines":(\d+),/g)) acknowledged += Number(count);
      if (!/HTTP\/1\.1 200 /.test(answer)) unanswered += 1;
      if (/HTTP\/1\.1 500 /.test(answer)) problems.push(`500 for ${next.bytes.toString('latin1')}`);
      if (next.lines.length > 0 && !/HTTP\/1\.1 200 /.test(answer)) problems.push(`a whole request was not taken: ${answer}`);
    }
  }));
  const stored = await running.lines();
  // Rubbish behind a whole request ends the connection before its answer: then, and only then, more may be stored.
  const excess = stored.length - acknowledged;
  if (excess < 0 || excess > unanswered * LINES_MOST) {
    problems.push(`${acknowledged} lines were acknowledged, ${stored.length} are stored, ${unanswered} requests have no 200`);
  }
  const counts = new Map<string, number>();
  for (const line of stored) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of attempts.flatMap(({ lines }) => lines)) {
    if (counts.get(line) !== 1) problems.push(`"${line}" is stored ${counts.get(line) ?? 0} times`);
  }
  const { body } = await running.post('/metrics', '', { method: 'GET' });
  if (!/^resilog_producer_memory_used_bytes 0$/m.test(body)) problems.push('memory of bodies was not given back');
  totals.connections += BATCH;
  totals.acknowledged += acknowledged;
}
