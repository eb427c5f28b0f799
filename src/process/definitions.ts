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
 * Of ours, those that find the header of any line. They run first, so that every definition that knows a kind of line
 * better overwrites what they find.
 */
const HEADERS: ReadonlySet<string> = new Set(['kubernetes-cri.xml', 'syslog-rfc5424.xml', 'syslog.xml']);

/**
 * The definitions that the program brings, in an order that is that of the names: our headers as `headers/…`,
 * PyLogsParser's as `pylogsparser/…`, and all others of ours as `resilog/…`, which overwrite the tags of both. Their
 * version is written into every file that is closed from now on, so they are kept in every volume before the first one
 * is. ConfigurationError when a folder can't be read.
 */
export async function loadDefinitions(pylogsparser = PYLOGSPARSER): Promise<DefinitionSet> {
  const own = await readDefinitionFolder(join(programFolder, 'normalizers'));
  const set = definitionSetOf([
    ...named('headers', own.filter(({ name }) => HEADERS.has(name))),
    ...named('pylogsparser', await readDefinitionFolder(pylogsparser)),
    ...named('resilog', own.filter(({ name }) => !HEADERS.has(name))),
  ]);
  // A set that can't be compiled ends the process at its start, not at the first line.
  createNormaliser(set);
  return set;
}

function named(folder: string, files: readonly DefinitionFile[]): readonly DefinitionFile[] {
  return files.map(({ name, xml }) => ({ name: `${folder}/${name}`, xml }));
}

export async function keepDefinitions(set: DefinitionSet, volumes: readonly Pick<Volume, 'definitions'>[]): Promise<void> {
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
