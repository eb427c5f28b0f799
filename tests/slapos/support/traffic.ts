import { setTimeout as sleep } from 'node:timers/promises';
import { post } from './https';

/** Where lines are taken at this moment. */
export interface Intake {
  readonly url: string;
  readonly certificate: string;
}

const LINES_A_REQUEST = 50;
const PAUSE_MS = 200;
const RETRY_MS = 250;
/** A request that gets no answer by then is sent again, as an agent does. */
const ANSWER_LIMIT_MS = 15_000;

/**
 * An agent that sends line after line, each request with a key of its own and again until it is acknowledged: all lines
 * of `lines` are, once it has stopped, and each of them must be found exactly once.
 */
export class Traffic {
  lines = 0;
  /** The longest time between two acknowledgements. */
  gapMs = 0;
  private running = true;
  private readonly ended: Promise<void>;

  constructor(
    private readonly intakes: () => readonly Intake[], private readonly key: string, private readonly name: string,
  ) {
    this.ended = this.run();
  }

  /** Returns when everything that was sent is acknowledged. */
  async stop(): Promise<number> {
    this.running = false;
    await this.ended;
    return this.lines;
  }

  private async run(): Promise<void> {
    let lastMs = Date.now();
    for (let request = 0; this.running; request += 1) {
      const body = Array.from({ length: LINES_A_REQUEST }, (_, index) => `${this.name} line ${this.lines + index}\n`).join('');
      await this.acknowledged(`${this.name}-${request}`, body);
      this.lines += LINES_A_REQUEST;
      this.gapMs = Math.max(this.gapMs, Date.now() - lastMs);
      lastMs = Date.now();
      await sleep(PAUSE_MS);
    }
  }

  /** Tries one producer after another. */
  private async acknowledged(idempotencyKey: string, body: string): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const intakes = this.intakes();
      const intake = intakes[attempt % intakes.length];
      const late = sleep(ANSWER_LIMIT_MS, 0);
      const sent = intake === undefined ? Promise.resolve(0)
        : post(`${intake.url}/${this.key}`, intake.certificate, body, { 'idempotency-key': idempotencyKey }).catch(() => 0);
      if (await Promise.race([sent, late]) === 200) return;
      await sleep(RETRY_MS);
    }
  }
}
