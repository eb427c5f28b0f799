import { join } from 'node:path';
import type { Volume } from '../archive/volume';
import { definitionSetOf, readDefinitionFolder } from '../normaliser/definition-set';
import { createNormaliser } from '../normaliser/normaliser';
import type { DefinitionSet, DefinitionStore } from '../normaliser/ports';
import { NotFoundError } from '../errors';
import { programFolder } from '../schemas';

/**
 * The definitions that the program brings. Their version is written into every file that is closed from now on, so they
 * are kept in every volume before the first one is.
 */
export async function loadDefinitions(): Promise<DefinitionSet> {
  const set = definitionSetOf(await readDefinitionFolder(join(programFolder, 'normalizers')));
  // A set that can't be compiled ends the process at its start, not at the first line.
  createNormaliser(set);
  return set;
}

export async function keepDefinitions(set: DefinitionSet, volumes: readonly Volume[]): Promise<void> {
  for (const volume of volumes) await volume.definitions.save(set);
}

/** Sets by version: the program's own, else whichever volume has them. */
export function definitionsOf(own: DefinitionSet, volumes: readonly Volume[]): DefinitionStore {
  return {
    save: (set) => keepDefinitions(set, volumes),
    load: async (version) => {
      if (version === own.version) return own;
      for (const volume of volumes) {
        try {
          return await volume.definitions.load(version);
        } catch (error) {
          if (!(error instanceof NotFoundError)) throw error;
        }
      }
      throw new NotFoundError(`definitions ${version} are in no volume`);
    },
  };
}
