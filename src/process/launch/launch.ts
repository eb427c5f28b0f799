import { mkdirSync } from 'node:fs';
import { constants, hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../clock';
import { ConfigurationError, messageOf } from '../../errors';
import type { Log } from '../../log';
import type { Coordination } from '../../registry/coordination';
import type { ComponentKind } from '../../registry/paths';
import { PresencePublisher } from '../../registry/presence';
import { ComponentProcess } from './component-process';
import { readDiskFacts, type DiskFacts } from './disk-facts';
import { awaitFormerChild, forgetChild, noteChild } from './former-child';
import { HealthMonitor } from './health-monitor';
import { parseHealth, type HealthAccess } from './health-probe';

export interface LaunchOptions {
  readonly kind: ComponentKind;
  /** Name of the presence node; stable over restarts. */
  readonly member: string;
  /** `[::1]:27017`, as others reach it. */
  readonly address: string;
  /** See `parseHealth`. */
  readonly health: string;
  /** For the health check of a server that asks for a password or speaks TLS. */
  readonly access?: HealthAccess;
  /** The component and its arguments. */
  readonly command: readonly string[];
  /** Folder whose file system's fill is reported, and where the child is noted for the next launcher. */
  readonly data?: string;
  /** Version that the presence node shows. */
  readonly version?: string;
  /** Pause between two health checks; default 2,000. */
  readonly healthIntervalMs?: number;
  /** Time in which the component must become healthy for the first time, or it is ended; default 180,000. */
  readonly startDeadlineMs?: number;
  /**
   * A component that was healthy or met an outage of the registry, and then is not healthy for so long while the
   * registry is in reach, is ended, to be started anew. SolrCloud's nodes sometimes do not find back to a ZooKeeper
   * that was away; one that lost it for five seconds while it started never does, and has a third of the time only.
   * Absent: it is left alone.
   */
  readonly renewAfterMs?: number;
  /** Starts the component only when the registry is reached: one that gives up without it would stay up and useless. */
  readonly afterRegistry?: boolean;
  /** Pause between two looks at the disk; default 5,000. */
  readonly diskIntervalMs?: number;
  /** Opens the registry; it need not be in reach (ZooKeeper itself is launched too). Closed at the end. */
  readonly connect: () => Coordination;
  readonly clock: Clock;
  readonly log: Log;
  /** Where signals come from: the process, or an emitter in tests. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
}

const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** A stop waits this long for the presence to be withdrawn before the component hears of it. */
const WITHDRAW_LIMIT_MS = 1_000;
const CLOSE_LIMIT_MS = 2_000;
const START_DEADLINE_MS = 180_000;
/** A component that was told to end and does not is killed. */
const POLITE_MS = 10_000;
const SICK_POLL_MS = 500;
/** An outage of the registry that a component's start does not survive. */
const OUTAGE_MS = 5_000;
const REGISTRY_POLL_MS = 200;
const REGISTRY_TOLD_MS = 5_000;

/**
 * Runs a component and keeps its presence node for exactly as long as it runs and is healthy. Returns the child's
 * exit code (128 + n after signal n). Passes on SIGTERM and SIGINT (withdrawing first) and SIGHUP. When the launcher
 * is killed, its child is gone within five seconds, and the next launcher waits for that. A component that does not
 * become healthy by the start deadline is ended, so that whoever supervises the launcher starts it anew.
 */
export async function runLaunch(options: LaunchOptions): Promise<number> {
  if (options.command.length === 0) throw new ConfigurationError('there is no command to launch');
  const probe = parseHealth(options.health, options.access);
  const { clock, log, data } = options;
  if (data !== undefined) mkdirSync(data, { recursive: true });
  const note = data === undefined ? undefined : join(data, `resilog-launch-${options.member}.json`);
  if (note !== undefined) await awaitFormerChild(note, clock, log);

  const coordination = options.connect();
  const stoppedBy = options.afterRegistry ? await awaitRegistry(options, coordination) : undefined;
  if (stoppedBy !== undefined) {
    await within(clock, CLOSE_LIMIT_MS, coordination.close());
    return 128 + constants.signals[stoppedBy];
  }
  const component = new ComponentProcess(options.command, log);
  if (note !== undefined && component.pid > 0) noteChild(note, component.pid);
  const publisher = createPublisher(options, coordination, component.pid);
  const starting = new AbortController();
  const over = new AbortController();
  let isHealthy = false;
  const monitor = new HealthMonitor({
    probe, clock, log,
    intervalMs: options.healthIntervalMs ?? 2_000,
    onChange: (healthy) => {
      if (healthy) starting.abort();
      isHealthy = healthy;
      publisher.setHealthy(healthy && !component.isOver);
    },
  });
  const stopWatchingDisk = watchDisk(options, publisher);
  const unsubscribe = forwardSignals(options, component, publisher, monitor);
  try {
    await component.start();
    monitor.start();
    void endWhatNeverStarts(options, component, starting.signal);
    void endWhatStaysSick(options, component, coordination, () => isHealthy, over.signal);
    const code = await component.ended;
    log.info('ComponentEnded', { code });
    return code;
  } finally {
    starting.abort();
    over.abort();
    unsubscribe();
    stopWatchingDisk();
    await within(clock, CLOSE_LIMIT_MS, Promise.all([monitor.close(), publisher.close()]));
    await within(clock, CLOSE_LIMIT_MS, coordination.close());
    if (note !== undefined) forgetChild(note);
  }
}

/** Returns when the registry is reached, or the signal that came before. */
async function awaitRegistry(
  { clock, log, signals }: LaunchOptions, coordination: Coordination,
): Promise<NodeJS.Signals | undefined> {
  const stop = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  const end = (signal: NodeJS.Signals): void => {
    stoppedBy = signal;
    stop.abort();
  };
  for (const signal of FORWARDED) signals.on(signal, end);
  try {
    for (let waitedMs = 0; coordination.state !== 'connected' && !stop.signal.aborted; waitedMs += REGISTRY_POLL_MS) {
      if (waitedMs === REGISTRY_TOLD_MS) log.warn('StartWaitsForRegistry');
      await clock.sleep(REGISTRY_POLL_MS, stop.signal);
    }
    return stoppedBy;
  } finally {
    for (const signal of FORWARDED) signals.off(signal, end);
  }
}

/** A server may fail to start and yet not end: it would be neither healthy nor replaced, for ever. */
async function endWhatNeverStarts(
  options: LaunchOptions, component: ComponentProcess, started: AbortSignal,
): Promise<void> {
  const { clock, log, startDeadlineMs = START_DEADLINE_MS } = options;
  await clock.sleep(startDeadlineMs, started);
  if (started.aborted) return;
  log.error('ComponentNeverHealthy', { waitedMs: startDeadlineMs });
  await end(component, clock, started);
}

/**
 * While the registry is out of reach, that may be why the component is not healthy. One that was still starting when
 * the registry went may have given up.
 */
async function endWhatStaysSick(
  { clock, log, renewAfterMs }: LaunchOptions, component: ComponentProcess, coordination: Coordination,
  isHealthy: () => boolean, over: AbortSignal,
): Promise<void> {
  if (renewAfterMs === undefined) return;
  // One that starts undisturbed has the start deadline only.
  let limitMs = Infinity;
  let wasHealthy = false;
  let reachedMs = clock.monotonic();
  let sinceMs = reachedMs;
  while (!over.aborted) {
    const nowMs = clock.monotonic();
    if (isHealthy()) {
      wasHealthy = true;
      limitMs = renewAfterMs;
      sinceMs = nowMs;
    }
    if (coordination.state !== 'connected') {
      const hasGivenUp = !wasHealthy && nowMs - reachedMs >= OUTAGE_MS;
      limitMs = Math.min(limitMs, hasGivenUp ? renewAfterMs / 3 : renewAfterMs);
      sinceMs = nowMs;
    } else {
      reachedMs = nowMs;
    }
    if (nowMs - sinceMs >= limitMs) {
      log.error('ComponentStaysUnhealthy', { waitedMs: nowMs - sinceMs });
      await end(component, clock, over);
      return;
    }
    await clock.sleep(SICK_POLL_MS, over);
  }
}

async function end(component: ComponentProcess, clock: Clock, over: AbortSignal): Promise<void> {
  component.signal('SIGTERM');
  await clock.sleep(POLITE_MS, over);
  if (!over.aborted) component.signal('SIGKILL');
}

function createPublisher(options: LaunchOptions, coordination: Coordination, pid: number): PresencePublisher {
  const { clock, log, kind, member, address } = options;
  const startedAt = new Date(clock.now()).toISOString();
  const presence = { kind, member, address, host: hostname(), pid, version: options.version ?? '', startedAt };
  return new PresencePublisher({ coordination, clock, log, presence });
}

/** Reports changes of a thousandth or more. */
function watchDisk(options: LaunchOptions, publisher: PresencePublisher): () => void {
  const { data, clock, log } = options;
  if (data === undefined) return () => undefined;
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    let reported: DiskFacts | undefined;
    while (!stop.signal.aborted) {
      try {
        const facts = await readDiskFacts(data);
        if (facts.diskUsedFraction !== reported?.diskUsedFraction) {
          reported = facts;
          publisher.update({ facts });
        }
      } catch (error) {
        log.warn('DiskNotRead', { data, error: messageOf(error) });
      }
      await clock.sleep(options.diskIntervalMs ?? 5_000, stop.signal);
    }
  };
  void run();
  return () => { stop.abort(); };
}

function forwardSignals(
  options: LaunchOptions, component: ComponentProcess, publisher: PresencePublisher, monitor: HealthMonitor,
): () => void {
  const pass = (signal: NodeJS.Signals): void => {
    options.log.info('SignalPassedOn', { signal });
    if (signal === 'SIGHUP') {
      component.signal(signal);
      return;
    }
    // Nobody shall be sent to a component that is about to stop; but ZooKeeper may be what stops, or be down.
    const withdrawn = Promise.all([monitor.close(), publisher.close()]);
    void within(options.clock, WITHDRAW_LIMIT_MS, withdrawn).then(() => { component.signal(signal); });
  };
  for (const signal of FORWARDED) options.signals.on(signal, pass);
  return () => { for (const signal of FORWARDED) options.signals.off(signal, pass); };
}

async function within(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  const done = work.then(() => undefined, () => undefined);
  await Promise.race([done, clock.sleep(limitMs, stop.signal)]);
  stop.abort();
}
