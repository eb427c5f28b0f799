import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestedCluster } from './cluster';

const LINES_A_REQUEST = 20;
const PAUSE_MS = 100;
const RETRY_MS = 250;

/**
 * An agent that sends small requests all the time, each with its key until one of the producers takes it: what it was
 * told is taken is there once.
 */
export class Feeder {
  acknowledged = 0;
  /** The longest time between two requests that were taken. */
  gapMs = 0;
  private lastMs = Date.now();
  private stopping = false;
  private readonly running: Promise<void>;

  constructor(private readonly cluster: RequestedCluster, private readonly key: string, private readonly name: string) {
    this.running = this.run();
  }

  /** The request at hand is taken first. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async run(): Promise<void> {
    for (let request = 0; !this.stopping; request += 1) {
      const lines = Array.from({ length: LINES_A_REQUEST }, (_, index) => `${this.name} line ${this.acknowledged + index}\n`);
      await this.sendUntilTaken(`${this.name}-${request}`, lines.join(''));
      this.acknowledged += LINES_A_REQUEST;
      await sleep(PAUSE_MS);
    }
  }

  private async sendUntilTaken(idempotencyKey: string, body: string): Promise<void> {
    const producers = this.cluster.published['intake-urls'].length;
    for (let attempt = 0; ; attempt += 1) {
      const status = await this.cluster.post(attempt % producers + 1, this.key, body, { 'Idempotency-Key': idempotencyKey });
      if (status === 200) break;
      await sleep(RETRY_MS);
    }
    this.gapMs = Math.max(this.gapMs, Date.now() - this.lastMs);
    this.lastMs = Date.now();
  }
}
