import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/clock';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import { initialise } from '../../../src/registry/bootstrap';
import { WatchedKeyDirectory } from '../../../src/registry/key-directory';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { SourceRegistry } from '../../../src/registry/source-registry';
import { startProducer, waitFor, type Running } from './support';

const CLIENTS = 6;
/** A key that was taken away is refused at the latest so long after the command has answered. */
const BOUND_MS = 2_000;

interface Attempt {
  readonly line: string;
  readonly beganMs: number;
  readonly status: number;
}

describe('keys that are changed while clients post with them', function () {
  this.timeout(60_000);
  let running: Running;
  let sources: SourceRegistry;
  let close: () => Promise<void>;

  before(async () => {
    const server = new MemoryCoordinationServer({ clock: systemClock });
    const [admin, own] = [server.connect(), server.connect()];
    await initialise({
      coordination: admin, clock: systemClock, random: systemRandom,
      connections: { mongodb: { volumes: [{ name: 'v', url: 'mongodb://x/' }] }, solr: { urls: ['http://x/solr'] } },
    });
    sources = new SourceRegistry({ coordination: admin, clock: systemClock, random: systemRandom });
    const keys = new WatchedKeyDirectory({
      coordination: own, clock: systemClock, log: silentLog, graceSeconds: () => 30,
    });
    await keys.ready;
    running = await startProducer({ coordination: own, dependencies: { keys } });
    close = async () => {
      await running.stop();
      keys.close();
      await Promise.all([own.close(), admin.close()]);
    };
  });
  after(() => close());

  /** Posts with the key from some clients, changes the key meanwhile, and goes on beyond the bound. */
  async function during(
    name: string, key: string, change: () => Promise<unknown>,
  ): Promise<{ readonly answeredMs: number; readonly attempts: readonly Attempt[] }> {
    const attempts: Attempt[] = [];
    let stopped = false;
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let number = 0; !stopped; number += 1) {
        const line = `${name} ${client} ${number}`;
        const beganMs = performance.now();
        const { status } = await running.post(`/${key}`, line);
        attempts.push({ line, beganMs, status });
      }
    });
    await waitFor(() => attempts.filter(({ status }) => status === 200).length > 2 * CLIENTS);
    await change();
    const answeredMs = performance.now();
    await sleep(BOUND_MS + 300);
    stopped = true;
    await Promise.all(clients);
    return { answeredMs, attempts };
  }

  for (const [what, change] of [
    ['disabled', (name: string) => sources.disable(name)],
    ['rotated without an overlap', (name: string) => sources.rotate(name, 0)],
    ['removed', (name: string) => sources.remove(name)],
  ] as const) {
    it(`are refused within ${BOUND_MS} ms when they are ${what}, and nothing acknowledged is lost`, async () => {
      const name = what.split(' ')[0] ?? what;
      const { key } = await sources.add(name);
      const { answeredMs, attempts } = await during(name, key, () => change(name));
      const taken = attempts.filter(({ status }) => status === 200);
      expect(taken.length, 'before').to.be.greaterThan(CLIENTS);
      expect(taken.filter(({ beganMs }) => beganMs > answeredMs + BOUND_MS)).to.deep.equal([]);
      expect(new Set(attempts.map(({ status }) => status))).to.deep.equal(new Set([200, 403]));
      const stored = (await running.lines()).filter((line) => line.startsWith(`${name} `));
      expect(stored, 'once each, and none of a refused request').to.have.members(taken.map(({ line }) => line));
    });
  }
});
