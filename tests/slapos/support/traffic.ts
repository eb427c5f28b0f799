import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestedCluster } from './cluster';

const LINES_A_REQUEST = 20;
const PAUSE_MS = 100;
const RETRY_MS = 250;

/**
 * An agent that sends small requests all the time, each with a key of its own, to one producer after another until it
 * is acknowledged: all lines of `lines` are, once it has stopped, and each of them must be found exactly once.
 */
export class Traffic {
  lines = 0;
  /** The longest time between two acknowledgements. */
  gapMs = 0;
  private lastMs = Date.now();
  private running = true;
  private readonly ended: Promise<void>;

  /** `key` is that of the source; `name` begins the lines and must be another one for each traffic of a source. */
  constructor(private readonly cluster: RequestedCluster, private readonly key: string, private readonly name: string) {
    this.ended = this.run();
  }

  /** Returns the number of lines when everything that was sent is acknowledged. */
  async stop(): Promise<number> {
    this.running = false;
    await this.ended;
    return this.lines;
  }

  private async run(): Promise<void> {
    for (let request = 0; this.running; request += 1) {
      const body = Array.from({ length: LINES_A_REQUEST }, (_, index) => `${this.name} line ${this.lines + index}\n`).join('');
      await this.sendUntilAcknowledged(`${this.name}-${request}`, body);
      this.lines += LINES_A_REQUEST;
      await sleep(PAUSE_MS);
    }
  }

  private async sendUntilAcknowledged(idempotencyKey: string, body: string): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      // Producers come and go meanwhile.
      const producer = attempt % this.cluster.published['intake-urls'].length + 1;
      if (await this.cluster.post(producer, this.key, body, { 'Idempotency-Key': idempotencyKey }) === 200) break;
      await sleep(RETRY_MS);
    }
    this.gapMs = Math.max(this.gapMs, Date.now() - this.lastMs);
    this.lastMs = Date.now();
  }
}
