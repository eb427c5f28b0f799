import { pendingBlocks } from '../archive/journal';
import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import type { Log } from '../log';
import type { QueueProducer } from '../queue/ports';
import type { Coordination } from '../registry/coordination';
import type { SettingsWatcher } from '../registry/settings';
import { unavailable, type IntakeError } from './intake-error';

const POLL_MS = 2_000;
const UNHEALTHY_POLL_MS = 500;
/** A look costs the registry a packet a bucket: a queue that can't be full soon is looked at less often. */
const LONGEST_QUEUE_POLL_MS = 30_000;
/** While MongoDB says that few files wait, few items can: then a look is only for what no file stands behind. */
const IDLE_QUEUE_POLL_MS = 300_000;
/** More items than this a second no queue takes. */
const QUEUE_ITEMS_PER_SECOND = 3_000;

export interface BackPressureOptions {
  readonly volumes: readonly Volume[];
  readonly queue: QueueProducer;
  readonly coordination: Coordination;
  readonly settings: SettingsWatcher;
  readonly clock: Clock;
  readonly log: Log;
  /** Share of the fullest MongoDB disk in use, as the launchers publish it. */
  readonly storage: () => { readonly usedFraction: number };
}

interface VolumeHealth {
  readonly volume: Volume;
  answers: boolean;
  blocks: number;
  /** Files closed but not yet indexed. */
  unindexed: number;
  polling: boolean;
}

interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly retryAfterSeconds: number;
}

/**
 * Says whether lines can be taken now, from facts that are polled, never asked for by a request. One that finds the
 * archive down is refused before its body is read, instead of holding memory until a deadline (schedule 34).
 */
export class BackPressure {
  private readonly volumes: readonly VolumeHealth[];
  private queueItems = 0;
  private draining = false;
  private readonly stop = new AbortController();

  constructor(private readonly options: BackPressureOptions) {
    this.volumes = options.volumes.map((volume) =>
      ({ volume, answers: true, blocks: 0, unindexed: 0, polling: false }));
  }

  start(): void {
    for (const health of this.volumes) void this.pollVolume(health);
    void this.pollQueue();
  }

  /** From now on everything is refused: the producer ends. */
  drain(): void {
    this.draining = true;
  }

  close(): void {
    this.stop.abort();
  }

  /** Blocks in the journals as last seen. */
  get journalBlocks(): number {
    return this.volumes.reduce((sum, health) => sum + health.blocks, 0);
  }

  private get unindexedFiles(): number {
    return this.volumes.reduce((sum, health) => sum + health.unindexed, 0);
  }

  /** Told of each write: one that failed makes its volume count as down until it answers a ping. */
  written(volume: Volume, succeeded: boolean): void {
    const health = this.volumes.find((candidate) => candidate.volume === volume);
    if (health !== undefined && !succeeded) this.markDown(health);
  }

  /** Why lines are refused at this moment, for any volume or the named one; empty when they are taken. */
  reasons(volume?: Volume): readonly Refusal[] {
    const reasons: Refusal[] = [];
    const { settings, coordination, storage } = this.options;
    const { intake, backPressure, storage: limits } = settings.current;
    const refuse = (code: string, reason: string, retryAfterSeconds: number): void => {
      reasons.push({ code, reason, retryAfterSeconds });
    };
    if (this.draining) refuse('stopping', 'this producer is stopping', 5);
    if (coordination.silentMs() > intake.graceSeconds * 1000) refuse('registry-unavailable', 'ZooKeeper does not answer', 5);
    const { usedFraction } = storage();
    if (usedFraction >= limits.refuseFraction) {
      refuse('storage-full', `the archive's storage is ${Math.round(usedFraction * 100)} % full`, 60);
    }
    if (this.queueItems >= backPressure.maxQueueDepth) refuse('queue-full', 'the queue is too deep', 30);
    if (this.unindexedFiles >= backPressure.maxUnqueuedFiles) refuse('backlog-full', 'too many files wait to be indexed', 30);
    for (const health of this.volumes) {
      if (volume !== undefined && health.volume !== volume) continue;
      if (!health.answers) refuse('archive-unavailable', `volume ${health.volume.name} does not answer`, 2);
      if (health.blocks >= backPressure.maxJournalBlocks) {
        refuse('journal-full', `the journal of volume ${health.volume.name} is too long`, 10);
      }
    }
    return reasons;
  }

  /** The answer to a request for a volume when lines can't be taken. */
  refusal(volume: Volume): IntakeError | undefined {
    const [first] = this.reasons(volume);
    return first === undefined ? undefined : unavailable(first.code, first.reason, first.retryAfterSeconds);
  }

  private markDown(health: VolumeHealth): void {
    if (!health.answers) return;
    health.answers = false;
    this.options.log.warn('VolumeLost', { volume: health.volume.name });
    if (!health.polling) void this.pollVolume(health);
  }

  private async pollVolume(health: VolumeHealth): Promise<void> {
    const { clock, log, settings } = this.options;
    health.polling = true;
    while (!this.stop.signal.aborted) {
      try {
        if (!health.answers) await health.volume.ping();
        health.blocks = await pendingBlocks(health.volume.journal);
        health.unindexed = await health.volume.states.countClosed(settings.current.backPressure.maxUnqueuedFiles);
        if (!health.answers) log.info('VolumeFound', { volume: health.volume.name });
        health.answers = true;
      } catch (error) {
        if (health.answers) log.warn('VolumeLost', { volume: health.volume.name, error });
        health.answers = false;
      }
      await clock.sleep(health.answers ? POLL_MS : UNHEALTHY_POLL_MS, this.stop.signal);
    }
    health.polling = false;
  }

  private async pollQueue(): Promise<void> {
    const { clock, queue, log } = this.options;
    let seenAtMs = -Infinity;
    while (!this.stop.signal.aborted) {
      // Asked for each time: the bound may have been changed meanwhile.
      if (clock.monotonic() - seenAtMs >= this.queuePollMs()) {
        try {
          this.queueItems = (await queue.depth()).items;
          seenAtMs = clock.monotonic();
        } catch (error) {
          // Its last known depth stands; a registry that is gone for long has a refusal of its own.
          log.debug('QueueDepthUnknown', { error });
        }
      }
      await clock.sleep(POLL_MS, this.stop.signal);
    }
  }

  /** Time in which a queue of the depth last seen can't reach its bound; 0 when it is at it. */
  private queuePollMs(): number {
    const { maxQueueDepth } = this.options.settings.current.backPressure;
    // An item holds at least one file; some files may be in two.
    if (2 * this.unindexedFiles < maxQueueDepth && 2 * this.queueItems < maxQueueDepth) return IDLE_QUEUE_POLL_MS;
    const room = maxQueueDepth - this.queueItems;
    return Math.min(LONGEST_QUEUE_POLL_MS, Math.max(0, room / QUEUE_ITEMS_PER_SECOND) * 1_000);
  }
}
