import { expect } from 'chai';
import { request as httpsRequest } from 'node:https';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { systemClock, type Clock } from '../../../src/clock';
import { limits } from '../../../src/limits';
import { startProducer, type Running } from './support';

const CLIENTS = 64;
const MiB = 1024 * 1024;
const LINE = `${'x'.repeat(199)}\n`;
/** Of each body: 280,000 bytes before all others have sent as much, and as many after that. */
const HALF = Buffer.from(LINE.repeat(1_400));
/** A write to the archive, about what a replica set of three takes for a full block. */
const WRITE_MS = 50;
/** Nobody is refused for having waited too long: on a busy machine that would be the machine's doing. */
const PATIENCE_MS = 40_000;
const patientClock: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic(),
  sleep: (delayMs, signal) => systemClock.sleep(delayMs, signal),
  timer: (delayMs, callback) => systemClock.timer(delayMs === limits.memoryWaitMs ? PATIENCE_MS : delayMs, callback),
};

/** Sends a body of unknown length in two halves; the status, or 0 without an answer. */
function postChunked(port: number, key: string, whenAllHaveSentHalf: () => Promise<void>): Promise<number> {
  return new Promise((resolve) => {
    const request = httpsRequest({
      host: '::1', port, path: `/${key}`, method: 'POST', rejectUnauthorized: false, agent: false,
      headers: { 'transfer-encoding': 'chunked' },
    }, (response) => {
      response.resume();
      response.on('close', () => { resolve(response.statusCode ?? 0); });
    });
    request.on('error', () => { resolve(0); });
    request.write(HALF, () => { void whenAllHaveSentHalf().then(() => request.end(HALF)); });
  });
}

describe('bodies of unknown length, many at once', function () {
  this.timeout(60_000);
  let running: Running;
  let key: string;
  before(async () => {
    const volume = new MemoryVolume({
      faults: async (effect, when) => {
        if (effect === 'journal.insert' && when === 'before') await new Promise((resolve) => setTimeout(resolve, WRITE_MS));
      },
    });
    running = await startProducer({
      volume, settings: { intake: { memoryBudgetBytes: 40 * MiB } }, dependencies: { clock: patientClock },
    });
    key = running.keys.add('web');
  });
  after(() => running.stop());

  it(`all ${CLIENTS} get 200 when there is memory for some at a time: the others wait for it`, async () => {
    let sent = 0;
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => { open = resolve; });
    const whenAllHaveSentHalf = (): Promise<void> => {
      sent += 1;
      if (sent === CLIENTS) setTimeout(open, 300);
      return gate;
    };
    const statuses = await Promise.all(
      Array.from({ length: CLIENTS }, () => postChunked(running.port, key, whenAllHaveSentHalf)));
    const counts: Record<number, number> = {};
    for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
    expect(counts).to.deep.equal({ 200: CLIENTS });
    expect(await running.lines()).to.have.length(2 * CLIENTS * HALF.length / LINE.length);
    const { body } = await running.post('/metrics', '', { method: 'GET' });
    expect(body, 'all of it was given back').to.match(/^resilog_producer_memory_used_bytes 0$/m);
  });
});
