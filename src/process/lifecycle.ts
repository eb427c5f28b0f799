import type { Clock } from '../clock';
import { messageOf } from '../errors';
import type { Log } from '../log';

/** A long-running part: started once, closed once, within a deadline. */
export interface Service {
  start(): Promise<void>;
  /** Stops accepting, finishes what is in work, releases. Idempotent. */
  close(deadlineMs: number): Promise<void>;
}

export interface LifecycleOptions {
  readonly service: Service;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a graceful stop may take; then the process ends as if it had been killed, which loses nothing. */
  readonly stopDeadlineMs: number;
  readonly process: NodeJS.Process;
}

/**
 * Runs a service until SIGTERM or SIGINT. Returns the exit code: 0 after a graceful stop, 70 after a defect, 75 when
 * the deadline of the stop passed. A broken invariant ends the process: its state is not to be trusted.
 */
export async function runUntilStopped(options: LifecycleOptions): Promise<number> {
  const { service, log, process: self } = options;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<unknown>((resolve) => { fail = resolve; });
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) self.once(signal, resolve);
  });
  self.on('uncaughtException', fail);
  self.on('unhandledRejection', fail);
  // The starting may wait long for a component; a stop has to work meanwhile.
  const started = service.start().then(() => log.info('ProcessStarted', { pid: self.pid }), fail);
  const end = await Promise.race([stopped.then((signal) => ({ signal })), failed.then((error) => ({ error }))]);
  if ('error' in end) {
    log.error('ProcessFailed', { error: end.error, message: messageOf(end.error) });
    await stopWithin(options, Math.min(options.stopDeadlineMs, 5_000));
    return 70;
  }
  log.info('StopRequested', { signal: end.signal });
  const inTime = await stopWithin(options, options.stopDeadlineMs);
  void started;
  log.info('ProcessStopped', { inTime });
  return inTime ? 0 : 75;
}

async function stopWithin(options: LifecycleOptions, deadlineMs: number): Promise<boolean> {
  const controller = new AbortController();
  const late = options.clock.sleep(deadlineMs + 1_000, controller.signal).then(() => false);
  const closed = options.service.close(deadlineMs).then(() => true, (error: unknown) => {
    options.log.error('StopFailed', { error });
    return false;
  });
  const inTime = await Promise.race([closed, late]);
  controller.abort();
  return inTime;
}
