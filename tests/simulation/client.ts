import { createHash } from 'node:crypto';
import type { LaneRequest } from '../../src/producer/group-commit';
import type { Choices } from './choices';
import type { ProducerNode } from './node';
import type { Actor, Scheduler } from './scheduler';

/** A line that was sent, and what its sender was told. */
export interface SentLine {
  readonly text: string;
  readonly source: string;
  /** Sent with an Idempotency-Key: stored once at most, however often it was sent. */
  readonly isKeyed: boolean;
  /** When a producer got it, by that one's clock: one a try. */
  readonly receivedMs: number[];
  isAcknowledged: boolean;
}

export interface ClientOptions {
  readonly name: string;
  readonly requests: number;
  readonly scheduler: Scheduler;
  readonly choices: Choices;
  readonly actor: Actor;
  /** Those that run at this moment. */
  readonly producers: () => readonly ProducerNode[];
  readonly sent: SentLine[];
  /** Whether some lines are of those that the index refuses, or that a definition fails on. */
  readonly hostile: boolean;
}

/** A word that some lines have: those of another year, which may be deleted by it. */
export const RED = ' red';
/** What a line may say for the index to refuse it, or the normaliser to fail on it, until they are mended. */
export const REFUSED = ' refused';
export const POISON = ' poison';
const TROUBLES = ['', REFUSED, POISON] as const;
const TROUBLE_WEIGHTS = [16, 3, 1] as const;
const ANSWER_MS = 10_000;
const RETRY_MS = 700;
const ATTEMPTS = 8;

/** Sends lines, each request until it is acknowledged or given up, and writes down what was acknowledged. */
export async function runClient(options: ClientOptions): Promise<void> {
  const { name, requests, choices, sent } = options;
  for (let request = 0; request < requests; request += 1) {
    const source = ['a', 'b'][choices.among(2)] ?? 'a';
    const key = choices.among(2) === 0 ? undefined : `${name}-${request}`;
    const count = 1 + choices.among(3);
    const lines = Array.from({ length: count }, (_, line): SentLine => ({
      text: `${name}/${request}/${line}${choices.among(3) === 0 ? RED : ''}${options.hostile ? TROUBLES[choices.weighted(TROUBLE_WEIGHTS)] ?? '' : ''}`,
      source, isKeyed: key !== undefined, receivedMs: [], isAcknowledged: false,
    }));
    sent.push(...lines);
    await sendUntilAcknowledged(lines, source, key, options);
  }
}

async function sendUntilAcknowledged(
  lines: readonly SentLine[], source: string, key: string | undefined, options: ClientOptions,
): Promise<void> {
  const { scheduler, actor, producers, choices } = options;
  const clock = scheduler.clockOf(actor);
  const raw = Buffer.from(lines.map(({ text }) => `${text}\n`).join(''));
  const bodySha256 = createHash('sha256').update(raw).digest('hex');
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const running = producers();
    const producer = running[choices.among(running.length)];
    if (producer !== undefined) {
      const receivedMs = scheduler.clockOf(producer.actor).now();
      for (const line of lines) line.receivedMs.push(receivedMs);
      const outcome = await Promise.race([
        submit(producer, scheduler, {
          source: { id: `id-${source}`, name: source, indexed: true, timeZone: 'UTC' },
          receivedMs, runs: [{ lines: lines.length, raw }],
          ...(key === undefined ? {} : { key: { key, bodySha256 } }),
        }),
        clock.sleep(ANSWER_MS).then(() => 'no answer' as const),
      ]);
      if (outcome === 'stored') {
        for (const line of lines) line.isAcknowledged = true;
        scheduler.note(`acknowledged ${lines[0]?.text ?? ''}`);
        return;
      }
    }
    await clock.sleep(RETRY_MS);
  }
}

async function submit(
  producer: ProducerNode, scheduler: Scheduler, request: LaneRequest,
): Promise<'stored' | 'failed'> {
  try {
    await scheduler.gate(producer.actor, 'request');
    const result = await producer.lanes.submit(request);
    if (result.outcome === 'busy') return 'failed';
    if (result.outcome === 'repeated' && result.record.bodySha256 !== request.key?.bodySha256) return 'failed';
    return producer.actor.isDead ? 'failed' : 'stored';
  } catch {
    return 'failed';
  }
}
