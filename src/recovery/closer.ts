import { Phase, type ClosingFile, type FileState } from '../archive/states';
import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { faultPoint } from '../fault-points';
import type { Log } from '../log';
import type { Random } from '../random';
import { closeInGroups } from './closing-groups';
import { runPass, type AssembledFile } from './closing-pass';
import { LaneReleases } from './lane-releases';
import { Mutex } from './mutex';

/** What is fixed for good when a file closes, so that its documents are a function of stored things (schedule 17). */
export interface ClosePolicy {
  readonly collection: string;
  readonly definitions: string;
  readonly maxIndexedLineBytes: number;
}

export interface CloseFilesRequest {
  readonly lane: string;
  /** No segment of the files lies outside these blocks, both included. */
  readonly fromN: number;
  readonly throughN: number;
  /** 'all': every file of the blocks, of a lane that is over. */
  readonly files: ReadonlySet<string> | 'all';
}

export interface ClosedFileSummary {
  readonly id: string;
  /** False: archived only, not for the queue. */
  readonly indexed: boolean;
  readonly lines: number;
  readonly gapLines: number;
}

export interface CloserOptions {
  readonly volume: Volume;
  readonly policy: () => ClosePolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Bytes that files under construction may hold; what does not fit takes further passes. Default 64 MiB. */
  readonly memoryBytes?: number;
}

const MEMORY_BYTES = 64 * 1024 * 1024;

/**
 * Makes files of journal blocks: for the producer whose lane it is and for the recoverer after its death, also for both
 * at once; whoever commits a file's state first has closed it. One per process and volume.
 */
export class Closer {
  private readonly mutex = new Mutex();
  private readonly releases: LaneReleases;

  constructor(private readonly options: CloserOptions) {
    this.releases = new LaneReleases(options.volume);
  }

  /**
   * Closes the files and returns those that this call closed (or may have); what had been closed before is left alone.
   * Afterwards the lane's oldest blocks are released, as far as every file in them has a state. With `files: 'all'`
   * they all have to be: UnavailableError when one is not.
   */
  async close(request: CloseFilesRequest): Promise<readonly ClosedFileSummary[]> {
    const closed: ClosedFileSummary[] = [];
    let files = request.files;
    for (;;) {
      const pass = await this.pass(request, files);
      this.releases.learn(request.lane, pass.blocks);
      closed.push(...await this.commit(pass.files));
      if (pass.deferred.size === 0) break;
      files = pass.deferred;
    }
    faultPoint('closer.files-closed');
    await this.releases.release(request.lane, request.files === 'all' ? request : undefined);
    return closed;
  }

  private pass(request: CloseFilesRequest, files: CloseFilesRequest['files']): ReturnType<typeof runPass> {
    const { volume, log, memoryBytes } = this.options;
    const { lane, fromN, throughN } = request;
    return runPass({
      journal: volume.journal, states: volume.states, log, volume: volume.name, lane, fromN, throughN, files,
      memoryBytes: memoryBytes ?? MEMORY_BYTES,
    });
  }

  private async commit(files: readonly AssembledFile[]): Promise<ClosedFileSummary[]> {
    const { volume, clock, random, log } = this.options;
    const ready: ClosingFile[] = [];
    for (const file of files) ready.push(await this.complete(file));
    const options = { states: volume.states, mutex: this.mutex, clock, random, log };
    const mine = new Set(await closeInGroups(ready, options));
    return ready.filter(({ state }) => mine.has(state.id)).map(({ state, description }) => ({
      id: state.id, indexed: state.phase === Phase.closed, lines: state.lines, gapLines: description.gapLines,
    }));
  }

  private async complete({ id, source, builder }: AssembledFile): Promise<ClosingFile> {
    const nowMs = this.options.clock.now();
    const { description, content } = await builder.finish(nowMs);
    const { collection, definitions, maxIndexedLineBytes } = this.options.policy();
    const state: FileState = {
      id, phase: source.indexed ? Phase.closed : Phase.archived, sourceId: source.id, sourceName: source.name,
      volume: description.volume, lane: description.lane, lines: description.Lines,
      firstReceivedMs: description.firstReceivedMs, lastReceivedMs: description.lastReceivedMs, closedMs: nowMs,
      collection, definitions, timeZone: source.timeZone, maxIndexedLineBytes, claim: 0, position: 0, attempts: 0,
      // Whoever closes it puts it into the queue next; if that fails it counts as waiting since now.
      queuedMs: nowMs, progressMs: nowMs, tombstones: [], tombstoneVersion: 0, setAside: 0,
    };
    return { description, content, state };
  }
}
