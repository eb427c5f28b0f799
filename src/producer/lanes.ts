import { createHash } from 'node:crypto';
import type { Journal } from '../archive/journal';
import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { invariant } from '../errors';
import type { Log } from '../log';
import type { Random } from '../random';
import type { Coordination } from '../registry/coordination';
import type { SettingsWatcher } from '../registry/settings';
import { backoffMs } from '../retry';
import { Closing } from './closing';
import type { LaneRequest, LaneResult } from './group-commit';
import { openIncarnation, type Incarnation } from './incarnation';
import { unavailable } from './intake-error';
import type { Lane } from './lane';
import { LaneSlot } from './lane-slot';
import type { BuildBlock, CloseFiles } from './ports';
import type { QueueProducer } from '../queue/ports';

export interface LanesOptions {
  readonly volumes: readonly Volume[];
  readonly coordination: Coordination;
  readonly settings: SettingsWatcher;
  readonly queue: QueueProducer;
  readonly buildBlock: BuildBlock;
  readonly closeFiles: CloseFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly description: Readonly<Record<string, string | number>>;
  /** Told of each write to a volume. */
  readonly onWrite: (volume: Volume, succeeded: boolean) => void;
  readonly onClosed?: (files: number, durationMs: number) => void;
}

/** One volume's share of the lanes. */
interface VolumeLanes {
  readonly volume: Volume;
  readonly closing: Closing;
  readonly slots: LaneSlot[];
}

/** Where a source's lines go; the same for every producer, so it can be kept. */
interface Home {
  readonly share: VolumeLanes;
  readonly laneHash: number;
}

/** Hashing costs a request of one line a twentieth of its time. */
const HOMES_KEPT = 10_000;

/**
 * The lanes of this start of the producer: an incarnation, and for each volume a few lanes of it. When the session that
 * owns the incarnation ends, or somebody took a number of one of its lanes, all lanes are given up at once and a
 * new incarnation with new lanes begins; the old lanes are sealed and closed, here or by the recoverer.
 */
export class Lanes {
  private readonly shares: readonly VolumeLanes[];
  private readonly homes = new Map<string, Home>();
  private readonly stop = new AbortController();
  private readonly unsubscribe: (() => void)[] = [];
  private incarnation: Incarnation | undefined;
  private renewing = false;
  private ending = false;

  constructor(private readonly options: LanesOptions) {
    invariant(options.volumes.length > 0, 'there is a volume');
    this.shares = options.volumes.map((volume) => ({
      volume, slots: [], closing: new Closing(options),
    }));
  }

  /** Begins; lanes open in the background as soon as the components answer. */
  start(): void {
    this.unsubscribe.push(
      this.options.coordination.onState((state) => { if (state === 'expired') this.renew('session expired'); }),
      this.options.settings.onChange(() => { this.settingsChanged(); }),
    );
    this.renew('start');
  }

  get incarnationId(): string | undefined {
    return this.incarnation?.id;
  }

  get openFiles(): number {
    return this.slots().reduce((sum, slot) => sum + slot.openFileCount, 0);
  }

  get openLanes(): number {
    return this.slots().filter((slot) => slot.current !== undefined).length;
  }

  /** Closings that are not done. */
  get pendingClosings(): number {
    return this.shares.reduce((sum, { closing }) => sum + closing.pending, 0);
  }

  /** The lane of a source; IntakeError 503 when there is none at this moment. */
  laneOf(sourceId: string): Lane {
    const { share: { volume, slots }, laneHash } = this.homeOf(sourceId);
    const count = Math.min(this.options.settings.current.intake.lanes, slots.length);
    const lane = count === 0 ? undefined : slots[laneHash % count]?.current;
    // The session may have ended without our handler having run: look at it before each write.
    if (this.incarnation?.alive() === false) this.renew('session changed');
    if (lane === undefined || lane.broken !== undefined) {
      throw unavailable('lane-closed', `no lane to volume ${volume.name} is open`, 2);
    }
    return lane;
  }

  volumeOf(sourceId: string): Volume {
    return this.homeOf(sourceId).share.volume;
  }

  journalOf(sourceId: string): Journal {
    return this.volumeOf(sourceId).journal;
  }

  submit(request: LaneRequest): Promise<LaneResult> {
    return this.laneOf(request.source.id).submit(request);
  }

  /** Ends the open file of a source that was removed. */
  endSource(sourceId: string): void {
    for (const slot of this.slots()) slot.endSource(sourceId);
  }

  /**
   * Drains, closes the open files, seals the lanes and removes the incarnation's node; what is not done when the signal
   * aborts stays for the recoverer. Idempotent.
   */
  async close(deadline: AbortSignal): Promise<void> {
    if (this.ending) return;
    this.ending = true;
    for (const unsubscribe of this.unsubscribe) unsubscribe();
    const work = async (): Promise<void> => {
      const ended = await Promise.allSettled(this.slots().map((slot) => slot.end()));
      for (const result of ended) {
        if (result.status === 'rejected') this.options.log.warn('SealingFailed', { error: result.reason as unknown });
      }
      await Promise.all(this.shares.map(({ closing }) => closing.drained()));
    };
    await Promise.race([work(), aborted(deadline)]);
    this.stop.abort();
    for (const { closing } of this.shares) closing.close();
    try {
      await Promise.race([this.incarnation?.end(), aborted(deadline)]);
    } catch (error) {
      // The node goes with the session.
      this.options.log.warn('IncarnationEndFailed', { error });
    }
  }

  private slots(): LaneSlot[] {
    return this.shares.flatMap(({ slots }) => slots);
  }

  private homeOf(sourceId: string): Home {
    const known = this.homes.get(sourceId);
    if (known !== undefined) return known;
    if (this.homes.size >= HOMES_KEPT) this.homes.clear();
    const home = { share: this.shareOf(sourceId), laneHash: hash(sourceId, 'lane') };
    this.homes.set(sourceId, home);
    return home;
  }

  /** Highest random weight, so that a further volume takes its share and leaves the rest in place. */
  private shareOf(sourceId: string): VolumeLanes {
    const weighed = this.shares.map((share) => ({ share, weight: hash(sourceId, share.volume.name) }));
    const best = weighed.reduce((former, next) => (next.weight > former.weight ? next : former));
    return best.share;
  }

  private settingsChanged(): void {
    for (const slot of this.slots()) slot.rearm();
    const { incarnation } = this;
    if (incarnation !== undefined && !this.renewing) this.openMissing(incarnation.id);
  }

  /** Opens the lanes that the settings want and that have no slot yet. More slots than wanted stay, unused. */
  private openMissing(incarnation: string): void {
    for (const share of this.shares) {
      while (share.slots.length < this.options.settings.current.intake.lanes) {
        const slot = this.newSlot(share);
        share.slots.push(slot);
        slot.open(incarnation);
      }
    }
  }

  private newSlot({ volume, closing }: VolumeLanes): LaneSlot {
    const { options } = this;
    return new LaneSlot({
      ...options, volume, closing, stop: this.stop.signal,
      policy: () => options.settings.current.files,
      onWrite: (succeeded) => { options.onWrite(volume, succeeded); },
      onCollision: () => { this.renew('lane was sealed by another'); },
    });
  }

  private renew(reason: string): void {
    if (this.renewing || this.ending) return;
    this.renewing = true;
    const former = this.incarnation;
    this.incarnation = undefined;
    for (const slot of this.slots()) slot.abandon();
    if (former !== undefined) {
      this.options.log.warn('IncarnationLost', { incarnation: former.id, reason });
      former.end().catch((error: unknown) => {
        this.options.log.warn('IncarnationEndFailed', { incarnation: former.id, error });
      });
    }
    void this.begin();
  }

  private async begin(): Promise<void> {
    const { clock, random, log } = this.options;
    for (let attempt = 1; !this.stop.signal.aborted && !this.ending; attempt += 1) {
      try {
        const incarnation = await openIncarnation(this.options);
        this.renewing = false;
        if (this.ending) {
          await incarnation.end();
          return;
        }
        this.incarnation = incarnation;
        for (const slot of this.slots()) slot.open(incarnation.id);
        this.openMissing(incarnation.id);
        return;
      } catch (error) {
        log.warn('IncarnationOpeningFailed', { attempt, error });
        await clock.sleep(backoffMs(attempt, random, 200, 2_000), this.stop.signal);
      }
    }
  }
}

function hash(value: string, salt: string): number {
  return createHash('sha256').update(salt).update('\0').update(value).digest().readUInt32BE();
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => { signal.addEventListener('abort', () => { resolve(); }, { once: true }); });
}
