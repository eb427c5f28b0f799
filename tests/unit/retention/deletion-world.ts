import type { Faults } from '../../../src/archive/faults';
import { containsLine, rangeLines } from '../../../src/archive/line-ranges';
import { MemoryStore } from '../../../src/archive/memory-store';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import type { FileState } from '../../../src/archive/states';
import { UnavailableError, UnknownOutcomeError } from '../../../src/errors';
import { MemoryIndex } from '../../../src/index/memory-index';
import type { IndexDocument, IndexQuery } from '../../../src/index/ports';
import { createDeletion, runDeletion } from '../../../src/retention/deletion';
import type { DeletionDependencies } from '../../../src/retention/deletion-dependencies';
import type { DeletionRequest } from '../../../src/retention/ports';
import { ManualClock } from '../../support/manual-clock';

export const COLLECTION = 'logs';
export const HORIZON_MS = 60_000;
export const SETTLE_MS = 20_000;

/** Says after how many effects the process is killed; `after`: the last effect is still done. */
export interface Kill {
  readonly at: number;
  readonly when: 'before' | 'after';
}

/** A file of a test: its lines with their times of reception. */
export interface PlannedFile {
  readonly id: string;
  readonly source?: string;
  readonly sourceId?: string;
  readonly lines: readonly string[];
  readonly receivedMs: number | readonly number[];
  readonly phase?: FileState['phase'];
}

/** An archive, an index, a consumer reduced to its duties towards deletions, and a process that can be killed. */
export class DeletionWorld {
  readonly clock = new ManualClock();
  readonly volume: MemoryVolume;
  readonly index: MemoryIndex;
  readonly texts = new Map<string, readonly string[]>();
  readonly liveIncarnations = new Set<string>();
  effects = 0;
  private kill: Kill | undefined;
  private killed = false;

  constructor() {
    const faults: Faults = (_, when) => { this.count(when); };
    this.volume = new MemoryVolume({ store: new MemoryStore(faults) });
    this.index = new MemoryIndex({ faults, idsOfAPage: 3 });
  }

  get dependencies(): DeletionDependencies {
    return {
      clock: this.clock, deletions: this.volume.deletions, volumes: [this.volume], index: this.index,
      collections: async () => [COLLECTION],
      incarnationLives: async (incarnation) => this.liveIncarnations.has(incarnation),
      horizonMs: HORIZON_MS, settleMs: SETTLE_MS,
    };
  }

  async close(file: PlannedFile): Promise<void> {
    const receptions = file.lines.map((_, i) =>
      [1, typeof file.receivedMs === 'number' ? file.receivedMs : file.receivedMs[i] ?? 0] as const);
    const times = receptions.length === 0 ? [this.clock.now()] : receptions.map(([, ms]) => ms);
    const common = {
      id: file.id, sourceId: file.sourceId ?? 'id-web', volume: 'memory', lane: 'lane',
      firstReceivedMs: Math.min(...times), lastReceivedMs: Math.max(...times), closedMs: this.clock.now(),
    };
    this.texts.set(file.id, file.lines);
    await this.volume.states.close([{
      content: Buffer.alloc(0),
      description: {
        ...common, Source: file.source ?? 'web', Lines: file.lines.length, RemLines: file.lines.length, Position: 0,
        formatVersion: 1, bytes: 0, storedBytes: 0, sha256: '', gapLines: 0,
        blocks: [{ offset: 0, length: 0, rawBytes: 0, firstLine: 0, lines: file.lines.length, receptions, sha256: '' }],
      },
      state: {
        ...common, sourceName: file.source ?? 'web', phase: file.phase ?? 'closed', lines: file.lines.length,
        collection: COLLECTION, definitions: 'v1', timeZone: 'UTC', maxIndexedLineBytes: 1_000, claim: 0, position: 0,
        attempts: 0, queuedMs: 0, progressMs: 0, tombstones: [], tombstoneVersion: 0, setAside: 0,
      },
    }]);
  }

  async document(fileId: string, line: number): Promise<IndexDocument> {
    const state = await this.state(fileId);
    const blocks = this.volume.store.files.get(fileId)?.description.blocks;
    return {
      id: `${fileId}!${String(line)}`, fileId, line, sourceId: state.sourceId, source: state.sourceName,
      dateMs: 0, receivedMs: blocks?.[0]?.receptions[line]?.[1] ?? state.lastReceivedMs,
      text: this.texts.get(fileId)?.[line] ?? '', truncated: false, found: '',
      definitions: 'v1',
    };
  }

  /** Documents of the lines that no tombstone covers at this moment: what a consumer is about to send. */
  async batch(fileId: string): Promise<readonly IndexDocument[]> {
    const state = await this.state(fileId);
    const lines = [...Array(state.lines).keys()].filter((line) => !containsLine(state.tombstones, line));
    return Promise.all(lines.map((line) => this.document(fileId, line)));
  }

  async indexFile(fileId: string): Promise<void> {
    const state = await this.volume.states.claim(fileId, this.clock.now());
    if (state?.phase !== 'closed') return;
    await this.index.add(COLLECTION, await this.batch(fileId));
    await this.volume.states.markIndexed(fileId, state.claim, this.clock.now());
  }

  /** Verifies as consumers do; a file that does not agree is indexed again. True when it agreed. */
  async verifyFile(fileId: string): Promise<boolean> {
    const state = await this.state(fileId);
    await this.index.commit(COLLECTION, 'hard');
    const sums = (await this.index.sums(COLLECTION, [fileId])).get(fileId);
    const left = [...Array(state.lines).keys()].filter((line) => !containsLine(state.tombstones, line));
    const agrees = sums?.count === left.length &&
      sums.lineSum === left.reduce((sum, line) => sum + BigInt(line), 0n);
    if (agrees) return this.volume.states.markVerified(fileId, state.claim, state.tombstoneVersion);
    // Tombstones are applied again: what came back late is removed before the file is indexed anew.
    const buried = [...Array(state.lines).keys()].filter((line) => containsLine(state.tombstones, line));
    await this.index.removeIds(COLLECTION, buried.map((line) => `${fileId}!${String(line)}`));
    await this.volume.states.restart(fileId, state.claim, this.clock.now());
    return false;
  }

  async finishIndexing(fileId: string): Promise<void> {
    for (let round = 0; round < 5; round += 1) {
      const { phase } = await this.state(fileId);
      if (phase === 'closed') await this.indexFile(fileId);
      if (phase === 'indexed') await this.verifyFile(fileId);
    }
  }

  async request(query: IndexQuery): Promise<DeletionRequest> {
    return createDeletion(query, 'test', {
      ...this.dependencies, random: { bytes: (length) => Buffer.alloc(length, this.effects), fraction: () => 0.5 },
    });
  }

  async run(id: string): Promise<DeletionRequest> {
    const request = await this.volume.deletions.get(id);
    if (request === undefined) throw new Error(`no request ${id}`);
    return runDeletion(request, this.dependencies);
  }

  /** Runs passes, as the runner does, with time going by until the request is done. */
  async runUntilDone(id: string, passes = 20): Promise<DeletionRequest> {
    for (let pass = 0; pass < passes; pass += 1) {
      const request = await this.run(id);
      if (request.state === 'done') return request;
      await this.clock.advance(10_000);
    }
    throw new Error('the deletion did not end');
  }

  async state(id: string): Promise<FileState> {
    const state = await this.volume.states.get(id);
    if (state === undefined) throw new Error(`no state of ${id}`);
    return state;
  }

  async remaining(id: string): Promise<number> {
    const state = await this.state(id);
    return state.lines - rangeLines(state.tombstones);
  }

  async ids(): Promise<readonly string[]> {
    await this.index.commit(COLLECTION, 'soft');
    return this.index.searchableIds(COLLECTION);
  }

  killAt(kill: Kill): void {
    this.kill = kill;
    this.effects = 0;
    this.killed = false;
  }

  /** A new process takes over. True when the former one had been killed. */
  restart(): boolean {
    const { killed } = this;
    this.kill = undefined;
    this.killed = false;
    return killed;
  }

  private count(when: 'before' | 'after'): void {
    if (this.killed) throw new UnavailableError('the process is dead');
    if (when === 'before') this.effects += 1;
    if (this.kill?.at !== this.effects || this.kill.when !== when) return;
    this.killed = true;
    throw when === 'before' ? new UnavailableError('killed') : new UnknownOutcomeError('killed');
  }
}
