import type { Context, Next } from 'koa';
import Koa from 'koa';
import Router from '@koa/router';
import type { Clock } from '../clock';
import type { Log } from '../log';
import type { BackPressure } from './back-pressure';
import type { Intake } from './intake';
import { IntakeError } from './intake-error';
import type { ProducerMetrics } from './metrics';

/** A body that is announced but not wanted is read and dropped up to this size; above, the connection is closed. */
const DROPPED_BODY_BYTES = 64 * 1024;
/** And for so long: who sends a byte a second would keep the connection for hours. */
const DROPPED_BODY_MS = 5_000;

export interface RoutesOptions {
  readonly intake: Intake;
  readonly backPressure: BackPressure;
  readonly metrics: ProducerMetrics;
  /** Names of what is not ready beside back pressure, e.g. that no lane is open. */
  readonly unready: () => readonly string[];
  readonly draining: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** The producer's HTTP surface; docs/specs/intake.md says what agents may rely on. */
export function createApplication(options: RoutesOptions): Koa {
  const app = new Koa();
  const router = new Router();
  const lines = (context: Context): Promise<void> => receiveLines(options, context);
  router.get('/healthz', (context) => { context.body = { healthy: true }; });
  router.get('/readyz', (context) => { readiness(options, context); });
  router.get('/metrics', async (context) => {
    const { type, body } = await options.metrics.text();
    context.type = type;
    context.body = body;
  });
  router.all(['/healthz', '/readyz', '/metrics'], (context) => { refuseMethod(context, 'GET, HEAD'); });
  router.post(['/', '/:key'], lines);
  router.all(['/', '/:key'], (context) => { refuseMethod(context, 'POST'); });
  app.use((context, next) => answerErrors(options, context, next));
  app.use(router.routes());
  app.use(() => {
    throw new IntakeError('there is nothing at this path', {
      status: 404, code: 'not-found', remedy: 'post lines to /<key>; see also /healthz, /readyz and /metrics',
    });
  });
  app.on('error', (error: unknown) => { options.log.warn('AnswerFailed', { error }); });
  return app;
}

async function receiveLines(options: RoutesOptions, context: Context): Promise<void> {
  const startedMs = options.clock.monotonic();
  const seconds = (): number => (options.clock.monotonic() - startedMs) / 1000;
  try {
    const key = (context.params as Readonly<Record<string, string | undefined>>).key;
    const answer = await options.intake.receive(context.req, context.res, key);
    options.metrics.answered(200, answer.lines, answer.bytes, seconds());
    context.body = { lines: answer.lines, bytes: answer.bytes, files: answer.files };
  } catch (error) {
    options.metrics.answered(error instanceof IntakeError ? error.status : 500, 0, 0, seconds());
    throw error;
  }
}

function readiness({ backPressure, unready }: RoutesOptions, context: Context): void {
  const reasons = [...backPressure.reasons().map(({ reason }) => reason), ...unready()];
  if (reasons.length > 0) {
    context.status = 503;
    context.set('Retry-After', '2');
  }
  context.body = { ready: reasons.length === 0, reasons };
}

function refuseMethod(context: Context, allowed: string): never {
  context.set('Allow', allowed);
  throw new IntakeError(`${context.method} is not possible here`, {
    status: 405, code: 'method-not-allowed', remedy: `use ${allowed}`,
  });
}

async function answerErrors(options: RoutesOptions, context: Context, next: Next): Promise<void> {
  try {
    await next();
  } catch (error) {
    if (context.res.destroyed || context.req.socket.destroyed) {
      // Nobody is there to read an answer.
      context.respond = false;
      return;
    }
    answerError(options, context, error);
  }
  if (options.draining()) context.set('Connection', 'close');
}

function answerError(options: RoutesOptions, context: Context, error: unknown): void {
  const known = error instanceof IntakeError ? error : new IntakeError('the request failed by a defect of resilog', {
    status: 500, code: 'internal', cause: error, remedy: 'please report it with the log of the producer',
  });
  if (known.status === 500) options.log.error('RequestFailed', { error });
  context.status = known.status;
  if (known.retryAfterSeconds !== undefined) context.set('Retry-After', String(known.retryAfterSeconds));
  if (known.status === 401) context.set('WWW-Authenticate', 'Bearer');
  if (bodyIsLeft(context, known.status)) context.set('Connection', 'close');
  else if (!context.req.complete) dropRest(options.clock, context);
  context.body = { error: { code: known.code, message: known.message, remedy: known.remedy } };
}

/** Gives the rest of a body that is not wanted a moment to arrive, so that the connection can be used again. */
function dropRest(clock: Clock, { req, res }: Context): void {
  res.once('finish', () => {
    if (req.readableEnded || req.destroyed) return;
    const cancel = clock.timer(DROPPED_BODY_MS, () => { if (!req.complete) req.socket.destroy(); });
    req.once('end', cancel);
    req.once('close', cancel);
    // Who began to read it left it paused, and then nobody else reads on.
    req.resume();
  });
}

/** True when bytes of the body may still come that are not worth reading. */
function bodyIsLeft({ req }: Context, status: number): boolean {
  const { 'content-length': length, 'transfer-encoding': chunked, expect } = req.headers;
  if (req.complete || (chunked === undefined && (length === undefined || length === '0'))) return false;
  // Who may not send at all, or sends too slowly, gets no service, not even that of reading on; others keep their
  // connection if it is cheap.
  if ([401, 403, 408].includes(status) || expect !== undefined || chunked !== undefined) return true;
  return Number(length) > DROPPED_BODY_BYTES;
}

