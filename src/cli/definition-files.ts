import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, LimitError, messageOf, NotFoundError } from '../errors';
import { definitionLimits } from '../normaliser/definition-limits';
import { readDefinitionFolder } from '../normaliser/definition-set';
import type { DefinitionFile } from '../normaliser/ports';
import { programFolder } from '../schemas';

/** The definitions of a file, or of a folder and all below it, named by their path as the user gave it. */
export async function readDefinitionPath(path: string): Promise<readonly DefinitionFile[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw new NotFoundError(`${path} can't be read: ${messageOf(error)}`, { cause: error });
  });
  if (!found.isDirectory()) {
    if (found.size > definitionLimits.fileCharacters) throw new LimitError(`${path} is too large for a definition`);
    return [{ name: path, xml: await readFile(path, 'utf8') }];
  }
  const files = await readDefinitionFolder(path);
  if (files.length === 0) {
    throw new InputError(`${path} holds no definition`, { remedy: 'definitions are files whose names end in .xml' });
  }
  return files.map(({ name, xml }) => ({ name: join(path, name), xml }));
}

/** The program's common tag types and callbacks, for definitions that come without their own. */
export async function commonFiles(): Promise<readonly DefinitionFile[]> {
  const files = await readDefinitionFolder(join(programFolder, 'normalizers'));
  return files.filter(({ name }) => name.startsWith('common_')).map(({ name, xml }) => ({ name: `resilog/${name}`, xml }));
}

/** Files of several paths; one that two of them hold counts once. */
export async function readDefinitionPaths(pathNames: readonly string[]): Promise<readonly DefinitionFile[]> {
  const files = new Map<string, DefinitionFile>();
  for (const path of pathNames) for (const file of await readDefinitionPath(path)) files.set(file.name, file);
  return [...files.values()];
}
