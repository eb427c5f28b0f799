import { noFaults, type Faults } from './faults';
import type { Progress, Report } from '../audit/ports';
import type { DefinitionSet } from '../normaliser/ports';
import type { DeletionRequest } from '../retention/ports';
import type { FileDescription } from './files';
import type { Block, KeyRecord, LaneRecord } from './journal';
import type { FileState, SetAsideLine } from './states';

export type MemoryDocument =
  | { readonly type: 'block'; readonly block: Block; setAside?: string }
  | { readonly type: 'seal' };

export interface MemoryLane {
  readonly record: LaneRecord;
  sealedAt: number | undefined;
  releasedThrough: number;
  /** Sealed, and nothing is left to remove. */
  finished: boolean;
  /** Order of opening. */
  readonly order: number;
}

/** What all parts of an in-memory volume share; every change of it is one synchronous step, hence atomic. */
export class MemoryStore {
  readonly lanes = new Map<string, MemoryLane>();
  /** Documents of a lane by number; of lanes that were never registered too. */
  readonly journal = new Map<string, Map<number, MemoryDocument>>();
  readonly keys = new Map<string, KeyRecord>();
  readonly files = new Map<string, { description: FileDescription; readonly content: Buffer }>();
  readonly states = new Map<string, FileState>();
  readonly setAside = new Map<string, SetAsideLine>();
  readonly definitions = new Map<string, DefinitionSet>();
  readonly deletions = new Map<string, DeletionRequest>();
  readonly audits: { progress: Progress | undefined; revision: number; last: Report | undefined } = {
    progress: undefined, revision: 0, last: undefined,
  };

  constructor(private readonly faults: Faults = noFaults) {}

  /** Runs a durable effect between the two calls of the hook. The effect itself must not wait. */
  async effect<T>(name: string, run: () => T): Promise<T> {
    await this.faults(name, 'before');
    const result = run();
    await this.faults(name, 'after');
    return result;
  }
}
