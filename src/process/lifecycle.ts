import { ExitCode, exitCodeOf } from '../cli/exit-codes';
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
 * Runs a service until SIGTERM or SIGINT. Returns the exit code: 0 after a graceful stop, 75 when its deadline passed,
 * that of the error when the start failed (78: the configuration can't be used), 70 after a defect. A broken
 * invariant ends the process: its state is not to be trusted.
 */
export async function runUntilStopped(options: LifecycleOptions): Promise<number> {
  const { service, log, process: self } = options;
  let end: (cause: End) => void = () => undefined;
  const ended = new Promise<End>((resolve) => { end = resolve; });
  const defect = (error: unknown): void => { end({ error, exitCode: ExitCode.software }); };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) self.once(signal, () => { end({ signal }); });
  self.on('uncaughtException', defect);
  self.on('unhandledRejection', defect);
  // The starting may wait long for a component; a stop has to work meanwhile.
  service.start().then(
    () => { log.info('ProcessStarted', { pid: self.pid }); },
    (error: unknown) => { end({ error, exitCode: exitCodeOf(error) }); });
  const cause = await ended;
  if ('error' in cause) {
    log.error('ProcessFailed', { error: cause.error, message: messageOf(cause.error) });
    await stopWithin(options, Math.min(options.stopDeadlineMs, 5_000));
    return cause.exitCode;
  }
  log.info('StopRequested', { signal: cause.signal });
  const inTime = await stopWithin(options, options.stopDeadlineMs);
  log.info('ProcessStopped', { inTime });
  return inTime ? ExitCode.ok : ExitCode.tempFail;
}

type End = { readonly signal: NodeJS.Signals } | { readonly error: unknown; readonly exitCode: number };

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
