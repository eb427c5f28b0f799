import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, LimitError, messageOf } from '../errors';
import { definitionLimits } from './definition-limits';
import type { DefinitionFile, DefinitionSet } from './ports';

/**
 * Changed whenever the same definitions may give other tags than before, so that a version names engine and
 * definitions together.
 */
export const ENGINE_VERSION = '2';

/** Its version is the first 16 hex digits of a sha256 over the engine's version and the files, sorted by name. */
export function definitionSetOf(files: readonly DefinitionFile[]): DefinitionSet {
  if (files.length > definitionLimits.filesOfSet) {
    throw new LimitError(`a set of definitions holds at most ${definitionLimits.filesOfSet} files`);
  }
  const sorted = [...files].sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
  const hash = createHash('sha256').update(`resilog-normaliser ${ENGINE_VERSION}\n`);
  for (const { name, xml } of sorted) {
    hash.update(`${Buffer.byteLength(name)} ${name} ${Buffer.byteLength(xml)}\n`).update(xml);
  }
  return { version: hash.digest('hex').slice(0, 16), files: sorted };
}

/** All `*.xml` files of a folder and of those below it, named by their path in it. ConfigurationError if unreadable. */
export async function readDefinitionFolder(folder: string): Promise<readonly DefinitionFile[]> {
  try {
    const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.xml')).sort();
    return await Promise.all(names.map(async (name) => {
      const path = join(folder, name);
      if ((await stat(path)).size > definitionLimits.fileCharacters) {
        throw new LimitError(`${path} is larger than ${definitionLimits.fileCharacters} bytes`);
      }
      return { name: name.replaceAll('\\', '/'), xml: await readFile(path, 'utf8') };
    }));
  } catch (error) {
    throw new ConfigurationError(`the definitions in ${folder} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
