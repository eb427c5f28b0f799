import type { Clock } from '../../clock';
import { ResilogError, UnavailableError, messageOf } from '../../errors';
import type { Log } from '../../log';
import type { Random } from '../../random';
import type { Coordination } from '../../registry/coordination';
import { acquireLock, type Lock } from '../../registry/locks';
import { restartLock, type ComponentKind } from '../../registry/paths';
import type { Presence } from '../../registry/ports';
import { readMembers } from '../../registry/presence';
import type { HealthProbe } from './health-probe';

export interface TurnOptions {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly kind: ComponentKind;
  readonly member: string;
  /** Members that the kind has, this one included. */
  readonly peers: number;
  /** What a restarted member has to pass besides being present. */
  readonly probe: HealthProbe | undefined;
  /** Longest wait for the turn. */
  readonly waitMs: number;
  /** Time in which the member has to stop; after it the turn is given back, since it does not seem to restart. */
  readonly noticeMs: number;
  /** Longest time that the turn is kept: a member that does not come back keeps the others waiting no longer. */
  readonly holdMs: number;
  /** Called once, when the member may restart. */
  readonly onGranted: () => void;
}

const POLL_MS = 500;
/** What was just started gets a moment to catch up before the next member stops. */
const SETTLE_MS = 2_000;

/**
 * The turn of a member to restart: one member of the cluster at a time, and only while all others of its kind are
 * present. Kept until the restarted member works, as an ephemeral node: with the end of this process, in whatever
 * way, it passes on. UnavailableError, with the reason, when it was not had in time; the member then has to run on.
 *
 * A member that is not present is granted the turn whatever the others do: its restart takes nothing away. So is a
 * ZooKeeper while the registry is out of reach, since its restart may be what brings that back.
 */
export async function takeTurn(options: TurnOptions): Promise<void> {
  const { coordination, clock, log, kind, member } = options;
  const deadlineMs = clock.monotonic() + options.waitMs;
  let lock: Lock;
  try {
    lock = await acquireLock(coordination, restartLock, { clock, random: options.random, waitMs: options.waitMs });
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    if (kind === 'ZooKeeper' && coordination.state !== 'connected') {
      log.warn('TurnWithoutRegistry', { kind, member });
      options.onGranted();
      return;
    }
    throw new UnavailableError(`${member} waits for its turn to restart: ${reasonOf(coordination, error)}`, { cause: error });
  }
  try {
    const former = await untilOthersArePresent(options, deadlineMs);
    log.info('TurnGranted', { kind, member });
    options.onGranted();
    await untilRestarted(options, former, lock.lost);
  } finally {
    await lock.release();
  }
}

function reasonOf(coordination: Coordination, error: UnavailableError): string {
  return coordination.state === 'connected' ? 'another member is restarting' : `the registry is out of reach (${messageOf(error)})`;
}

/**
 * Whether somebody has to come first. Where not even a majority is present and this member works all the same, the
 * others are still to join: they wait for nobody's restart, and nobody waits for them.
 */
function isMissed(present: number, peers: number): boolean {
  return present < peers && present > peers / 2;
}

/** Returns the member's own presence; undefined when it has none. */
async function untilOthersArePresent(options: TurnOptions, deadlineMs: number): Promise<Presence | undefined> {
  const { clock, member, kind, peers } = options;
  for (;;) {
    const present = await membersOf(options);
    const own = present?.find((presence) => presence.member === member);
    if (present !== undefined && (own === undefined || !isMissed(present.length, peers))) return own;
    if (clock.monotonic() >= deadlineMs) {
      const names = present?.map((presence) => presence.member).join(', ') ?? 'nobody knows which';
      throw new UnavailableError(`${member} waits for its turn to restart: of ${peers} ${kind} members only ${
        present?.length ?? 0} are up (${names})`, { remedy: 'bring the others up' });
    }
    await clock.sleep(POLL_MS);
  }
}

async function untilRestarted(options: TurnOptions, former: Presence | undefined, lost: AbortSignal): Promise<void> {
  const { clock, log, kind, member, noticeMs, holdMs } = options;
  const startedMs = clock.monotonic();
  let stopped = former === undefined;
  while (!lost.aborted) {
    const elapsedMs = clock.monotonic() - startedMs;
    const present = await membersOf(options);
    const own = present?.find((presence) => presence.member === member);
    if (present !== undefined) stopped ||= own?.startedAt !== former?.startedAt;
    if (stopped && own !== undefined && own.startedAt !== former?.startedAt && await works(options.probe)) {
      await clock.sleep(SETTLE_MS, lost);
      log.info('TurnEnded', { kind, member, tookMs: Math.round(clock.monotonic() - startedMs) });
      return;
    }
    if (elapsedMs >= (stopped ? holdMs : noticeMs)) {
      log.warn('TurnGivenUp', { kind, member, reason: stopped ? 'it has not come back' : 'it has not stopped' });
      return;
    }
    await clock.sleep(POLL_MS, lost);
  }
  log.warn('TurnLost', { kind, member });
}

/** Undefined while ZooKeeper does not answer: it may be what restarts. */
async function membersOf({ coordination, kind }: TurnOptions): Promise<readonly Presence[] | undefined> {
  try {
    return await readMembers(coordination, kind);
  } catch (error) {
    if (error instanceof ResilogError && error.retryable) return undefined;
    throw error;
  }
}

async function works(probe: HealthProbe | undefined): Promise<boolean> {
  try {
    await probe?.check();
    return true;
  } catch {
    return false;
  }
}
