import type { LaneStatus } from '../archive/journal';
import { Phase, type ClosingFile, type FileState } from '../archive/states';
import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { UnavailableError } from '../errors';
import type { Log } from '../log';
import type { Random } from '../random';
import { closeInGroups } from './closing-groups';
import { runPass, type AssembledFile } from './closing-pass';
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
  /** 'all': every file of the blocks; then the blocks are released too. */
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
  /** Lanes of which a later generation was closed before an earlier one. */
  private readonly ahead = new Set<string>();

  constructor(private readonly options: CloserOptions) {}

  /**
   * Closes the files and returns those that this call closed (or may have); what had been closed before is left alone.
   * With `files: 'all'` the lane's blocks are released afterwards as far as every file in them has a state.
   */
  async close(request: CloseFilesRequest): Promise<readonly ClosedFileSummary[]> {
    const closed: ClosedFileSummary[] = [];
    const seen = new Set<string>();
    let files = request.files;
    for (;;) {
      const pass = await this.pass(request, files);
      for (const id of pass.seen) seen.add(id);
      closed.push(...await this.commit(pass.files));
      if (pass.deferred.size === 0) break;
      files = pass.deferred;
    }
    if (request.files === 'all') await this.release(request, seen);
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
      queuedMs: 0, progressMs: nowMs, tombstones: [], tombstoneVersion: 0, setAside: 0,
    };
    return { description, content, state };
  }

  /**
   * Blocks go only when every file with a segment in them has a state that was read back at majority. A generation
   * that is closed before an earlier one does not release the earlier one's blocks.
   */
  private async release(request: CloseFilesRequest, seen: ReadonlySet<string>): Promise<void> {
    const { volume } = this.options;
    const { lane, fromN, throughN } = request;
    const status = await this.status(lane);
    if (status === undefined || status.releasedThrough >= throughN) return;
    const ids = new Set(seen);
    if (status.releasedThrough + 1 < fromN) {
      for await (const block of volume.journal.read(lane, status.releasedThrough + 1, fromN - 1)) {
        for (const { fileId } of block.segments) ids.add(fileId);
      }
    }
    const existing = await volume.states.existing([...ids]);
    const missing = [...ids].filter((id) => !existing.has(id));
    if (missing.length === 0) {
      await volume.journal.release(lane, throughN);
      if (this.ahead.delete(lane)) await this.releaseAhead(lane, throughN + 1, status.highestBlock);
    } else if (missing.some((id) => seen.has(id))) {
      throw new UnavailableError(`${missing.length} files of lane ${lane} are not closed yet`);
    } else {
      // An earlier generation is still to be closed; then these blocks go too.
      this.ahead.add(lane);
    }
  }

  private async releaseAhead(lane: string, fromN: number, throughN: number): Promise<void> {
    const { journal, states } = this.options.volume;
    let releasable = fromN - 1;
    for await (const block of journal.read(lane, fromN, throughN)) {
      const ids = new Set(block.segments.map(({ fileId }) => fileId));
      if ((await states.existing([...ids])).size < ids.size) break;
      releasable = block.n;
    }
    if (releasable >= fromN) await journal.release(lane, releasable);
  }

  private async status(lane: string): Promise<LaneStatus | undefined> {
    return (await this.options.volume.journal.unfinishedLanes()).find(({ id }) => id === lane);
  }
}
