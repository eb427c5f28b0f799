import { NotFoundError } from '../errors';
import type { DefinitionSet, DefinitionStore } from './ports';

/** Keeps sets in memory, for tests and the simulator. */
export function memoryDefinitionStore(sets: readonly DefinitionSet[] = []): DefinitionStore {
  const kept = new Map(sets.map((set) => [set.version, set]));
  return {
    save: async (set) => {
      if (!kept.has(set.version)) kept.set(set.version, set);
    },
    load: async (version) => {
      const set = kept.get(version);
      if (set === undefined) throw new NotFoundError(`there is no set of definitions ${version}`);
      return set;
    },
  };
}
