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
const REMOVAL_PAUSE_MS = 500;
/** Looks for a node of an attempt that had no answer: ten seconds. */
const GHOST_SWEEPS = 20;

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
  const own = new OwnNodes(coordination, folder, randomHex(options.random, GUID_BYTES), options.clock);
  try {
    await own.create();
    return hold(coordination, own, await waitForTurn(coordination, folder, own, options), options.clock);
  } catch (error) {
    void own.remove();
    throw error;
  }
}

/** The path of the node of ours that came first. */
async function waitForTurn(
  coordination: Coordination, folder: string, own: OwnNodes, options: LockOptions,
): Promise<string> {
  const startedAtMs = options.clock.monotonic();
  const waitMs = options.waitMs ?? 30_000;
  for (;;) {
    const names = [...(await coordination.children(folder))].sort(bySequence);
    const mine = names.findIndex((name) => own.isMine(name));
    if (mine === 0) return `${folder}/${names[0] ?? ''}`;
    if (mine < 0) throw new UnavailableError(`the session ended while waiting for ${folder}`);
    const leftMs = waitMs - (options.clock.monotonic() - startedAtMs);
    if (leftMs <= 0 || options.signal?.aborted) {
      throw new UnavailableError(`${folder} is held by another process`, { remedy: 'try again later' });
    }
    // Only the one before is watched: a release wakes one process, not all.
    await gone(coordination, `${folder}/${names[mine - 1] ?? ''}`, leftMs, options);
  }
}

/**
 * What one who asks for a lock has in its folder: a node, known by a guid, so that one made by an attempt without an
 * answer is found (schedule 27: no ghost of ourselves). Such an attempt may be done later than a listing shows, by the
 * server of a connection before: then there are two, both ours, and the first counts.
 */
class OwnNodes {
  private path: string | undefined;
  /** An attempt had no answer. */
  private doubtful = false;
  private removing: Promise<void> | undefined;

  constructor(
    private readonly coordination: Coordination, private readonly folder: string, private readonly guid: string,
    private readonly clock: Clock,
  ) {}

  isMine(name: string): boolean {
    return name.startsWith(`${this.guid}-`);
  }

  /** Makes the node or finds it, and the folder when it turns out to be missing: it is there but for the first time. */
  async create(): Promise<void> {
    for (let attempt = 1; this.path === undefined; attempt += 1) {
      try {
        this.path = await this.coordination.create(
          `${this.folder}/${this.guid}-`, Buffer.alloc(0), NodeKind.ephemeralSequential);
        faultPoint('lock.asked-for');
      } catch (error) {
        if (error instanceof NotFoundError && attempt < 3) {
          await this.coordination.ensure(this.folder);
          continue;
        }
        if (!(error instanceof UnknownOutcomeError)) throw error;
        this.doubtful = true;
        if (attempt >= 3) throw error;
        this.path = await this.found();
      }
    }
  }

  /** What the first try can't remove goes later, or with the session; nobody waits for it. Idempotent. */
  remove(): Promise<void> {
    this.removing ??= this.removeNow();
    return this.removing;
  }

  /** What an attempt without an answer has made, or not yet; where there is no folder, it has made nothing. */
  private async found(): Promise<string | undefined> {
    try {
      return (await this.paths())[0];
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  private async removeNow(): Promise<void> {
    try {
      if (this.path === undefined) await this.removeAll();
      else await this.coordination.remove(this.path);
      faultPoint('lock.released');
      if (this.doubtful) void this.removeLater();
    } catch {
      void this.removeLater();
    }
  }

  private async paths(): Promise<readonly string[]> {
    const names = await this.coordination.children(this.folder);
    return names.filter((name) => this.isMine(name)).sort(bySequence).map((name) => `${this.folder}/${name}`);
  }

  private async removeAll(): Promise<void> {
    for (const path of await this.paths()) await this.coordination.remove(path);
  }

  /**
   * Tries until nothing of ours is there, and in doubt for some time more; the end of the session that made it removes
   * it too. Which one that was is not asked: the session may have changed while the node was being made, and nobody
   * else has a node of this name. Never fails.
   */
  private async removeLater(): Promise<void> {
    let sweeps = this.doubtful ? GHOST_SWEEPS : 1;
    for (let attempt = 0; attempt < REMOVAL_TRIES && this.coordination.state !== 'closed'; attempt += 1) {
      try {
        await this.removeAll();
        sweeps -= 1;
        if (sweeps === 0) return;
      } catch (error) {
        if (!(error instanceof ResilogError) || !error.retryable) return;
      }
      await this.clock.sleep(REMOVAL_PAUSE_MS);
    }
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
    const watch = coordination.whenGone(path, end);
    options.signal?.addEventListener('abort', end);
  });
}

function hold(coordination: Coordination, own: OwnNodes, path: string, clock: Clock): Lock {
  const controller = new AbortController();
  let cancelDoubt: () => void = () => undefined;
  const stop = (): void => {
    cancelDoubt();
    unsubscribe();
    watch.close();
  };
  const lose = (): void => {
    stop();
    controller.abort(new UnavailableError(`the lock ${path} was lost`));
  };
  const watch = coordination.whenGone(path, lose);
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
      return own.remove();
    },
  };
}

/** The counter is a signed 32 bit number that wraps. */
function bySequence(one: string, other: string): number {
  return (sequenceOf(one) - sequenceOf(other)) | 0;
}

function sequenceOf(name: string): number {
  return Number(name.slice(GUID_BYTES * 2 + 1));
}
