import type { Clock } from '../clock';
import { NotFoundError, ResilogError, UnavailableError, UnknownOutcomeError } from '../errors';
import { faultPoint } from '../fault-points';
import { randomHex, type Random } from '../random';
import { NodeKind, type Coordination } from './coordination';
import { paths } from './paths';

/**
 * Locks (status: in use). Guarantees: at most one holder whose node exists, in the order of asking; a holder that
 * dies lets go when its session ends. Does NOT guarantee that a holder knows at once that it lost the lock: effects
 * that must not come late put `{type: 'check', path: lock.path}` into their multi. On session loss: `lost` aborts;
 * stop, and ask again.
 */
export interface Lock {
  /** Node of the holder, unique for ever: the fence. */
  readonly path: string;
  /** Aborts when the lock is, or may be, somebody else's. */
  readonly lost: AbortSignal;
  /** Idempotent. */
  release(): Promise<void>;
}

export interface LockOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Longest wait for other holders; default 30,000. UnavailableError after it. */
  readonly waitMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** Folder of the locks; default /Locks. */
  readonly folder?: string;
}

/** Without contact for this long a holder takes its lock for lost. */
const LOST_AFTER_MS = 8_000;
const GUID_BYTES = 16;
const REMOVAL_TRIES = 120;

/** Runs the work while the lock is held, and lets go in any case. */
export async function withLock<T>(
  coordination: Coordination, name: string, options: LockOptions, work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const lock = await acquireLock(coordination, name, options);
  try {
    return await work(lock);
  } finally {
    await lock.release();
  }
}

/** Waits for the lock. UnavailableError when it was not had in time or the session ended meanwhile. */
export async function acquireLock(coordination: Coordination, name: string, options: LockOptions): Promise<Lock> {
  const folder = `${options.folder ?? paths.locks}/${name}`;
  const guid = randomHex(options.random, GUID_BYTES);
  let path: string | undefined;
  try {
    path = await createOwn(coordination, folder, guid);
    await waitForTurn(coordination, folder, path, options);
  } catch (error) {
    const removal = path === undefined ? removeGhost(coordination, folder, guid) : coordination.remove(path);
    void removal.catch(() => removeLater(coordination, folder, guid, options.clock));
    throw error;
  }
  return hold(coordination, folder, guid, path, options.clock);
}

/**
 * Makes the node, or finds the one that an attempt without an answer made (schedule 27: no ghost of ourselves). The
 * folder is made when it turns out to be missing: it is there but for the first time.
 */
async function createOwn(coordination: Coordination, folder: string, guid: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const made = await coordination.create(`${folder}/${guid}-`, Buffer.alloc(0), NodeKind.ephemeralSequential);
      faultPoint('lock.asked-for');
      return made;
    } catch (error) {
      if (error instanceof NotFoundError && attempt < 3) {
        await coordination.ensure(folder);
        continue;
      }
      if (!(error instanceof UnknownOutcomeError) || attempt >= 3) throw error;
      const made = (await coordination.children(folder)).find((name) => name.startsWith(`${guid}-`));
      if (made !== undefined) return `${folder}/${made}`;
    }
  }
}

async function waitForTurn(
  coordination: Coordination, folder: string, path: string, options: LockOptions,
): Promise<void> {
  const startedAtMs = options.clock.monotonic();
  const waitMs = options.waitMs ?? 30_000;
  for (;;) {
    const names = [...(await coordination.children(folder))].sort(bySequence);
    const mine = names.indexOf(path.slice(folder.length + 1));
    if (mine === 0) return;
    if (mine < 0) throw new UnavailableError(`the session ended while waiting for ${folder}`);
    const leftMs = waitMs - (options.clock.monotonic() - startedAtMs);
    if (leftMs <= 0 || options.signal?.aborted) {
      throw new UnavailableError(`${folder} is held by another process`, { remedy: 'try again later' });
    }
    // Only the one before is watched: a release wakes one process, not all.
    await gone(coordination, `${folder}/${names[mine - 1] ?? ''}`, leftMs, options);
  }
}

/** Resolves when the node is gone, the time is over, the session changed or the signal aborts. */
function gone(coordination: Coordination, path: string, limitMs: number, options: LockOptions): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      watch.close();
      cancel();
      unsubscribe();
      options.signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = options.clock.timer(limitMs, end);
    const unsubscribe = coordination.onState((state) => { if (state === 'expired' || state === 'closed') end(); });
    const watch = coordination.watchContent(path, (content) => { if (content === undefined) end(); });
    options.signal?.addEventListener('abort', end);
  });
}

function hold(coordination: Coordination, folder: string, guid: string, path: string, clock: Clock): Lock {
  const controller = new AbortController();
  let cancelDoubt: () => void = () => undefined;
  let releasing: Promise<void> | undefined;
  const stop = (): void => {
    cancelDoubt();
    unsubscribe();
    watch.close();
  };
  const lose = (): void => {
    stop();
    controller.abort(new UnavailableError(`the lock ${path} was lost`));
  };
  const watch = coordination.watchContent(path, (content) => { if (content === undefined) lose(); });
  const unsubscribe = coordination.onState((state) => {
    cancelDoubt();
    if (state === 'expired' || state === 'closed') lose();
    else if (state === 'suspended') cancelDoubt = clock.timer(LOST_AFTER_MS, lose);
  });
  return {
    path,
    lost: controller.signal,
    release: () => {
      stop();
      // What the first try can't remove goes later, or with the session; nobody waits for it here.
      releasing ??= coordination.remove(path).then(
        () => { faultPoint('lock.released'); }, () => { void removeLater(coordination, folder, guid, clock); });
      return releasing;
    },
  };
}

/** Removes the node that we made, if there is one. */
async function removeGhost(coordination: Coordination, folder: string, guid: string): Promise<void> {
  const made = (await coordination.children(folder)).find((name) => name.startsWith(`${guid}-`));
  if (made !== undefined) await coordination.remove(`${folder}/${made}`);
}

/**
 * Tries until our node is gone; the end of the session that made it removes it too. Which one that was is not asked:
 * the session may have changed while the node was being made, and nobody else has a node of this name. Never fails.
 */
async function removeLater(coordination: Coordination, folder: string, guid: string, clock: Clock): Promise<void> {
  for (let attempt = 0; attempt < REMOVAL_TRIES && coordination.state !== 'closed'; attempt += 1) {
    try {
      await removeGhost(coordination, folder, guid);
      return;
    } catch (error) {
      if (!(error instanceof ResilogError) || !error.retryable) return;
      await clock.sleep(500);
    }
  }
}

/** The counter is a signed 32 bit number that wraps. */
function bySequence(one: string, other: string): number {
  return (sequenceOf(one) - sequenceOf(other)) | 0;
}

function sequenceOf(name: string): number {
  return Number(name.slice(GUID_BYTES * 2 + 1));
}
