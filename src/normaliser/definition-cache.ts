import type { DefinitionSet, DefinitionStore } from './ports';

/** Sets kept in memory; few are in use at a time, since all new files name the current one. */
const SETS_KEPT = 8;

/** Reads each set from the store once, however many ask for it at the same time. */
export class DefinitionCache {
  /** In the order of their last use. */
  private readonly sets = new Map<string, Promise<DefinitionSet>>();

  constructor(private readonly store: DefinitionStore) {}

  /** The errors of the store; a failure is not kept. */
  async get(version: string): Promise<DefinitionSet> {
    const known = this.sets.get(version);
    const set = known ?? this.store.load(version);
    this.sets.delete(version);
    this.sets.set(version, set);
    const [oldest] = this.sets.keys();
    if (oldest !== undefined && this.sets.size > SETS_KEPT) this.sets.delete(oldest);
    try {
      return await set;
    } catch (error) {
      if (this.sets.get(version) === set) this.sets.delete(version);
      throw error;
    }
  }
}
