import { join } from 'node:path';
import type { Volume } from '../archive/volume';
import { definitionSetOf, readDefinitionFolder } from '../normaliser/definition-set';
import { createNormaliser } from '../normaliser/normaliser';
import type { DefinitionFile, DefinitionSet, DefinitionStore } from '../normaliser/ports';
import { NotFoundError } from '../errors';
import { programFolder } from '../schemas';

/** Where `make build` puts PyLogsParser; elsewhere the process' configuration names the folder. */
const PYLOGSPARSER = join(programFolder, 'parts', 'pylogsparser', 'normalizers');

/**
 * The definitions that the program brings: PyLogsParser's as `pylogsparser/…`, and ours as `resilog/…`, which by the
 * order of names run after them and overwrite their tags. Their version is written into every file that is closed from
 * now on, so they are kept in every volume before the first one is. ConfigurationError when a folder can't be read.
 */
export async function loadDefinitions(pylogsparser = PYLOGSPARSER): Promise<DefinitionSet> {
  const set = definitionSetOf([
    ...named('pylogsparser', await readDefinitionFolder(pylogsparser)),
    ...named('resilog', await readDefinitionFolder(join(programFolder, 'normalizers'))),
  ]);
  // A set that can't be compiled ends the process at its start, not at the first line.
  createNormaliser(set);
  return set;
}

function named(folder: string, files: readonly DefinitionFile[]): readonly DefinitionFile[] {
  return files.map(({ name, xml }) => ({ name: `${folder}/${name}`, xml }));
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
