import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyAnswer, KeyRecord, SegmentSource } from '../archive/journal';
import type { Clock } from '../clock';
import { limits } from '../limits';
import type { Source } from '../registry/ports';
import type { SettingsWatcher } from '../registry/settings';
import type { Authentication } from './authentication';
import type { BackPressure } from './back-pressure';
import { readBody, reserveBody, type Body } from './body-reader';
import { BufferPool } from './buffer-pool';
import { IntakeError, unavailable } from './intake-error';
import type { Lanes } from './lanes';
import type { MemoryBudget } from './body-budget';
import type { Quotas } from './quotas';

/** A request whose key is being written elsewhere waits so long for that one's answer. */
const BUSY_WAIT_MS = 5_000;
const BUSY_POLL_MS = 100;

export interface IntakeOptions {
  readonly authentication: Authentication;
  readonly backPressure: BackPressure;
  readonly quotas: Quotas;
  readonly budget: MemoryBudget;
  readonly lanes: Lanes;
  readonly settings: SettingsWatcher;
  readonly clock: Clock;
  /** Told of the bytes of bodies as they arrive. */
  readonly onBytes: (bytes: number) => void;
}

/** What a request with lines is answered with. */
export type IntakeAnswer = KeyAnswer;

/** The key of the request is known already, or is being written elsewhere (then without a record). */
interface KeyKnown {
  readonly bodySha256: string;
  readonly record: KeyRecord | undefined;
}

type Stored = { readonly answer: IntakeAnswer } | KeyKnown;

/**
 * One request with lines, in the order that costs least when it is refused: who sends, can lines be taken now, is there
 * memory; only then is the body asked for.
 */
export class Intake {
  private readonly pool: BufferPool;
  /** One object a source, so that lines of many requests in a block are known to have the same. */
  private readonly segmentSources = new WeakMap<Source, SegmentSource>();

  constructor(private readonly options: IntakeOptions) {
    const { budget, settings } = options;
    this.pool = new BufferPool(() => settings.current.intake.memoryBudgetBytes - budget.used);
  }

  /** Rejects with IntakeError; anything else is a defect. */
  async receive(
    request: IncomingMessage, response: ServerResponse, pathKey: string | undefined,
  ): Promise<IntakeAnswer> {
    const { authentication, backPressure, quotas, budget, lanes, settings, clock } = this.options;
    const source = await authentication.authenticate(request, pathKey);
    const refusal = backPressure.refusal(lanes.volumeOf(source.id));
    if (refusal !== undefined) throw refusal;
    lanes.laneOf(source.id);
    quotas.admit(source);
    const key = idempotencyKey(request);
    const { maxBodyBytes, bodyTimeoutMs } = settings.current.intake;
    const maxBytes = key === undefined ? maxBodyBytes : Math.min(maxBodyBytes, limits.keyedBodyBytes);
    const reservation = budget.open();
    let stored: Stored;
    try {
      await reserveBody(reservation, request, maxBytes);
      if (request.headers.expect !== undefined) response.writeContinue();
      const body = await readBody(request, reservation, {
        pool: this.pool, onBytes: this.options.onBytes, clock, maxBytes, timeoutMs: bodyTimeoutMs,
      });
      quotas.charge(source, body.bytes);
      stored = await this.store(source, body, key);
      // Durable: nobody reads the body again. After a failure a lane may still hold a part of it, so it is left alone.
      if ('answer' in stored) body.recycle();
    } finally {
      reservation.release();
    }
    // Waiting for another request's answer needs the hash only, no memory of the body.
    return 'answer' in stored ? stored.answer : this.repeated(source, key ?? '', stored);
  }

  private async store(source: Source, body: Body, key: string | undefined): Promise<Stored> {
    const { lanes, clock } = this.options;
    const bodySha256 = key === undefined ? '' : sha256Of(body);
    const result = await lanes.submit({
      source: this.segmentSourceOf(source),
      receivedMs: clock.now(), runs: body.runs,
      ...(key === undefined ? {} : { key: { key, bodySha256 } }),
    });
    if (result.outcome === 'repeated') return { bodySha256, record: result.record };
    if (result.outcome === 'busy') return { bodySha256, record: undefined };
    return { answer: { lines: body.lines, bytes: body.bytes, files: result.files } };
  }

  private segmentSourceOf(source: Source): SegmentSource {
    const known = this.segmentSources.get(source);
    if (known !== undefined) return known;
    const { id, name, indexed, timeZone } = source;
    const made = { id, name, indexed, timeZone };
    this.segmentSources.set(source, made);
    return made;
  }

  /** The answer that the first request with this key got, as soon as there is one (schedule 15). */
  private async repeated(source: Source, key: string, known: KeyKnown): Promise<IntakeAnswer> {
    const { clock, lanes } = this.options;
    const endMs = clock.monotonic() + BUSY_WAIT_MS;
    let { record } = known;
    while (record === undefined && clock.monotonic() < endMs) {
      try {
        record = await lanes.journalOf(source.id).findKey(source.id, key);
      } catch (error) {
        throw unavailable('archive-unavailable', 'the archive does not answer', 2, error);
      }
      if (record === undefined) await clock.sleep(BUSY_POLL_MS);
    }
    if (record === undefined) throw unavailable('key-busy', 'a request with the same Idempotency-Key is in work', 1);
    if (record.bodySha256 === known.bodySha256) return record.answer;
    throw new IntakeError('this Idempotency-Key was used with other lines', {
      status: 422, code: 'key-reused', remedy: 'use a new key for each new body',
    });
  }
}

function idempotencyKey(request: IncomingMessage): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && key.length > 0 && key.length <= limits.idempotencyKeyLength) return key;
  throw new IntakeError(`an Idempotency-Key has 1 to ${limits.idempotencyKeyLength} characters`, {
    status: 400, code: 'bad-idempotency-key', remedy: 'use for instance a UUID',
  });
}

function sha256Of(body: Body): string {
  const hash = createHash('sha256');
  for (const run of body.runs) hash.update(run.raw);
  return hash.digest('hex');
}
