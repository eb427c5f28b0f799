import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { checkout } from '../../support/checkout';
import { Mongod } from './mongod';
import { keyOf } from './support';
import { transpiled } from './transpile';

const MiB = 1024 * 1024;
const LIMIT = 300 * 1_000_000;
/** As a producer is started: what is freed goes back to the system. */
const script = readFileSync(join(checkout, 'templates', 'run-process.in'), 'utf8');
const nodeOptions = /NODE_OPTIONS="([^"]+)"/.exec(script)?.[1]?.split(' ') ?? [];
const allocator = {
  MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '32768', MALLOC_TRIM_THRESHOLD_: '131072',
};

/** Sends a chunked body until the answer comes; the status, or 0 for a connection that was closed before. */
function pushChunked(port: number, key: string, bytes: number, chunk: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const request = httpsRequest({
      host: '::1', port, path: `/${key}`, method: 'POST', rejectUnauthorized: false, agent: false,
      headers: { 'transfer-encoding': 'chunked' },
    });
    let answered = false;
    let sent = 0;
    request.on('response', (response) => {
      answered = true;
      response.resume();
      response.on('close', () => { request.destroy(); resolve(response.statusCode ?? 0); });
    });
    request.on('error', () => { if (!answered) resolve(0); });
    const push = (): void => {
      while (!answered && sent < bytes) {
        sent += chunk.length;
        if (!request.write(chunk)) {
          request.once('drain', push);
          return;
        }
      }
      if (!answered) request.end();
    };
    push();
  });
}

/** A minute and more shows the same: RESILOG_TEST_PUSHING_MS=60000. */
const PUSHING_MS = Number(process.env.RESILOG_TEST_PUSHING_MS ?? 16_000);

describe('memory of a producer', function () {
  this.timeout(300_000);
  let mongod: Mongod;
  let child: ChildProcess;
  let port = 0;
  let program: ReturnType<typeof transpiled>;
  let peak = 0;
  let watch: NodeJS.Timeout;

  before(async () => {
    expect(nodeOptions).to.include('--max-old-space-size=192');
    for (const [name, value] of Object.entries(allocator)) expect(script).to.include(name).and.include(value);
    mongod = await Mongod.start();
    program = transpiled(['src', 'tests/support', 'tests/integration/producer']);
    const main = join(program.folder, 'tests/integration/producer/memory-main.js');
    child = spawn(process.execPath, [...nodeOptions, main, mongod.url], {
      stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...allocator },
    });
    const [data] = await once(child.stdout as NodeJS.ReadableStream, 'data') as [Buffer];
    port = Number(data.toString());
    watch = setInterval(() => {
      const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
      peak = Math.max(peak, Number(resident) * 1024);
    }, 50);
  });
  after(async () => {
    clearInterval(watch);
    const ended = once(child, 'exit');
    child.stdin?.end();
    await ended;
    program.remove();
    await mongod.close();
  });

  /** Sends until the time is over; a refused client comes again after a moment. */
  async function clients(count: number, bytes: number, chunk: Buffer, durationMs: number) {
    const statuses = new Map<number, number>();
    const endMs = Date.now() + durationMs;
    await Promise.all(Array.from({ length: count }, async (_value, client) => {
      while (Date.now() < endMs) {
        const status = await pushChunked(port, keyOf(`client-${client}`), bytes, chunk);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }));
    return statuses;
  }

  const lines = Buffer.from(Array.from({ length: 700 }, (_value, index) =>
    `Jan  1 00:00:00 host sshd[${index}]: Accepted publickey for user${index * 7919 % 997} from ::1 port ${index}`).join('\n') + '\n');

  it('stays below 300 MB with 64 clients that send 64 MiB chunked bodies; some are stored, the others get 503', async () => {
    const statuses = await clients(64, 63 * MiB, lines, 6_000);
    expect([...statuses.keys()].filter((status) => ![0, 200, 503].includes(status))).to.deep.equal([]);
    expect(statuses.get(200) ?? 0).to.be.greaterThan(0);
    expect(statuses.get(503) ?? 0).to.be.greaterThan(0);
    expect(statuses.get(0) ?? 0, 'connections without an answer').to.be.below(5);
    if (process.env.RESILOG_TEST_LOG) process.stderr.write(`PEAK ${peak} ${JSON.stringify([...statuses])}\n`);
    expect(peak).to.be.below(LIMIT);
  });

  it('stays below 300 MB while 8 clients push and MongoDB is paused half of the time', async () => {
    peak = 0;
    const cycle = setInterval(() => {
      mongod.pause();
      setTimeout(() => { mongod.continue(); }, 3_000);
    }, 6_000);
    const statuses = await clients(8, 8 * MiB, lines, PUSHING_MS);
    clearInterval(cycle);
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    expect(statuses.get(200) ?? 0).to.be.greaterThan(0);
    if (process.env.RESILOG_TEST_LOG) process.stderr.write(`PEAK ${peak} ${JSON.stringify([...statuses])}\n`);
    expect(peak).to.be.below(LIMIT);
  });
});
