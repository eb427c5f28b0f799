import type { AuditRecords } from '../audit/ports';
import type { DefinitionSet, DefinitionStore } from '../normaliser/ports';
import type { DeletionRequest, Deletions } from '../retention/ports';
import { NotFoundError } from '../errors';
import type { Faults } from './faults';
import { MemoryFiles } from './memory-files';
import { MemoryJournal } from './memory-journal';
import { MemoryStates } from './memory-states';
import { MemoryStore } from './memory-store';
import type { Volume } from './volume';

export interface MemoryVolumeOptions {
  readonly name?: string;
  readonly faults?: Faults;
  /** Shared by volumes that stand for several processes' views of one replica set; each has its own faults. */
  readonly store?: MemoryStore;
}

/**
 * A volume in memory with the semantics of a replica set whose writes are all on a majority: for unit tests and the
 * simulator. Every effect is atomic; an outcome is only ever unknown when `faults` says so.
 */
export class MemoryVolume implements Volume {
  readonly name: string;
  readonly store: MemoryStore;
  readonly journal: MemoryJournal;
  readonly files: MemoryFiles;
  readonly states: MemoryStates;
  readonly definitions: DefinitionStore;
  readonly deletions: Deletions;
  readonly audits: AuditRecords;

  constructor(options: MemoryVolumeOptions = {}) {
    this.name = options.name ?? 'memory';
    this.store = options.store ?? new MemoryStore(options.faults);
    this.journal = new MemoryJournal(this.store);
    this.files = new MemoryFiles(this.store);
    this.states = new MemoryStates(this.store);
    this.definitions = memoryDefinitions(this.store);
    this.deletions = memoryDeletions(this.store);
    this.audits = memoryAudits(this.store);
  }

  async ping(): Promise<void> {
    await this.store.effect('ping', () => undefined);
  }

  async close(): Promise<void> {
    // Nothing to release.
  }
}

function memoryAudits(store: MemoryStore): AuditRecords {
  const { audits } = store;
  return {
    progress: async () => ({ progress: audits.progress, revision: audits.revision }),
    saveProgress: (progress, revision) => store.effect('audits.saveProgress', () => {
      if (audits.revision !== revision) return false;
      audits.progress = progress;
      audits.revision += 1;
      return true;
    }),
    last: async () => audits.last,
    saveLast: (report) => store.effect('audits.saveLast', () => { audits.last = report; }),
  };
}

function memoryDefinitions(store: MemoryStore): DefinitionStore {
  return {
    save: (set: DefinitionSet) => store.effect('definitions.save', () => {
      if (!store.definitions.has(set.version)) store.definitions.set(set.version, set);
    }),
    load: async (version: string) => {
      const set = store.definitions.get(version);
      if (set === undefined) throw new NotFoundError(`definitions ${version} were never saved`);
      return set;
    },
  };
}

function memoryDeletions(store: MemoryStore): Deletions {
  return {
    create: (request: DeletionRequest) => store.effect('deletions.create', () => {
      store.deletions.set(request.id, request);
    }),
    update: (request: DeletionRequest) => store.effect('deletions.update', () => {
      if (store.deletions.get(request.id)?.revision !== request.revision) return false;
      store.deletions.set(request.id, { ...request, revision: request.revision + 1 });
      return true;
    }),
    get: async (id) => store.deletions.get(id),
    list: async ({ state, after, newestFirst, limit }) => {
      const order = (a: Placed, b: Placed): number => (newestFirst ? -1 : 1) * byTime(a, b);
      return [...store.deletions.values()]
        .filter((request) => (state === undefined || request.state === state) && (!after || order(after, request) < 0))
        .sort(order)
        .slice(0, limit);
    },
  };
}

type Placed = Pick<DeletionRequest, 'throughMs' | 'id'>;

function byTime(a: Placed, b: Placed): number {
  if (a.throughMs !== b.throughMs) return a.throughMs - b.throughMs;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
