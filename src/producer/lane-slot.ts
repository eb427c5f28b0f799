import type { LaneRecord } from '../archive/journal';
import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { faultPoint } from '../fault-points';
import type { Log } from '../log';
import { randomHex, type Random } from '../random';
import { backoffMs } from '../retry';
import type { Closing } from './closing';
import { Lane, type BreakCause } from './lane';
import { OpenFiles, type FilePolicy } from './open-files';
import type { BuildBlock } from './ports';

export interface LaneSlotOptions {
  readonly volume: Volume;
  readonly closing: Closing;
  readonly buildBlock: BuildBlock;
  readonly policy: () => FilePolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Ends all background work. */
  readonly stop: AbortSignal;
  readonly onWrite: (succeeded: boolean) => void;
  /** A number of the lane was taken: somebody holds its incarnation for dead. */
  readonly onCollision: () => void;
}

/**
 * The place of one lane. It holds an open lane, or none while one is being opened: then its requests get 503. A lane
 * that breaks is sealed, and only then is another opened here; what it holds is closed from its blocks.
 */
export class LaneSlot {
  private lane: Lane | undefined;
  private openFiles: OpenFiles | undefined;
  private incarnation: string | undefined;
  /** Counts openings, so that a late one knows that it is not wanted any more. */
  private opening = 0;
  /** Lanes that are broken and not sealed yet. */
  private unsealed = 0;

  constructor(private readonly options: LaneSlotOptions) {}

  get current(): Lane | undefined {
    return this.lane?.broken === undefined ? this.lane : undefined;
  }

  get openFileCount(): number {
    return this.openFiles?.count ?? 0;
  }

  get unsealedLanes(): number {
    return this.unsealed;
  }

  /** Opens a lane of the incarnation, trying until it works; a lane that is here already is given up before. */
  open(incarnation: string): void {
    this.abandon();
    this.incarnation = incarnation;
    this.opening += 1;
    void this.openWithRetries(incarnation, this.opening);
  }

  /** Gives the lane up, without another; it is sealed and closed in the background. */
  abandon(): void {
    this.opening += 1;
    this.incarnation = undefined;
    this.lane?.abandon();
    this.lane = undefined;
  }

  /** Applies a changed policy to the files that are open. */
  rearm(): void {
    this.openFiles?.rearm();
  }

  endSource(sourceId: string): void {
    if (this.current !== undefined) this.openFiles?.endSource(sourceId);
  }

  /** Drains the lane, hands its files over to be closed and seals it. Rejects when the seal can't be set. */
  async end(): Promise<void> {
    this.opening += 1;
    const lane = this.current;
    if (lane === undefined) return;
    await lane.end();
    if (lane.broken !== undefined) return;
    this.openFiles?.endGeneration();
    this.lane = undefined;
    faultPoint('producer.lane-drained');
    await this.options.volume.journal.seal(lane.id);
    faultPoint('producer.lane-ended');
  }

  private async openWithRetries(incarnation: string, opening: number): Promise<void> {
    const { clock, random, log, volume, stop } = this.options;
    const record: LaneRecord = {
      id: `${incarnation}-${randomHex(random, 6)}`, incarnation, volume: volume.name, openedMs: clock.now(),
    };
    const wanted = (): boolean => opening === this.opening && !stop.aborted;
    for (let attempt = 1; wanted(); attempt += 1) {
      try {
        await volume.journal.openLane(record);
        faultPoint('producer.lane-opened');
        if (wanted()) this.use(record);
        return;
      } catch (error) {
        log.warn('LaneOpeningFailed', { lane: record.id, attempt, error });
        this.options.onWrite(false);
        await clock.sleep(backoffMs(attempt, random, 200, 2_000), stop);
      }
    }
  }

  private use(record: LaneRecord): void {
    const { volume, closing, clock, random, log, buildBlock, policy, onWrite } = this.options;
    const openFiles = new OpenFiles({
      clock, random, policy,
      onClosable: ({ files, fromN, throughN }) => {
        closing.add({ lane: record.id, volume: volume.name, files, fromN, throughN });
      },
    });
    const lane: Lane = new Lane({
      record, journal: volume.journal, buildBlock, openFiles, clock, log, onWrite,
      onBroken: (cause) => { this.broken(lane, cause); },
    });
    this.openFiles = openFiles;
    this.lane = lane;
    log.info('LaneOpened', { lane: record.id, volume: volume.name });
  }

  private broken(lane: Lane, cause: BreakCause): void {
    this.options.log.warn('LaneBroken', { lane: lane.id, cause });
    const opening = this.opening;
    void this.retire(lane).then(() => {
      const { incarnation } = this;
      if (cause === 'unknown' && opening === this.opening && incarnation !== undefined && !this.options.stop.aborted) {
        this.open(incarnation);
      }
    });
    if (cause === 'collision') this.options.onCollision();
  }

  /** Seals a lane that is over, trying until it works, and has all its files closed. */
  private async retire(lane: Lane): Promise<void> {
    const { clock, random, log, volume, closing, stop } = this.options;
    this.unsealed += 1;
    for (let attempt = 1; !stop.aborted; attempt += 1) {
      try {
        const sealedAt = await volume.journal.seal(lane.id);
        faultPoint('producer.broken-lane-sealed');
        log.info('LaneSealed', { lane: lane.id, sealedAt });
        if (sealedAt > 0) {
          closing.add({ lane: lane.id, volume: volume.name, files: 'all', fromN: 0, throughN: sealedAt - 1 });
        }
        break;
      } catch (error) {
        log.warn('SealingFailed', { lane: lane.id, attempt, error });
        await clock.sleep(backoffMs(attempt, random, 200, 2_000), stop);
      }
    }
    this.unsealed -= 1;
  }
}
