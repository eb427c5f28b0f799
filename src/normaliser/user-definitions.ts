import { InputError, LimitError } from '../errors';
import { definitionSetOf } from './definition-set';
import type { DefinitionFile, DefinitionSet } from './ports';

/** Folder of the users' files in a set: by the order of names they run after the program's and overwrite their tags. */
const FOLDER = 'user/';
/** All files of the users together, so that a set with them stays far below what the archive keeps in one document. */
const USER_CHARACTERS = 4 * 1024 * 1024;

/** The set that lines are normalised with: the program's files and, behind them, the users'. */
export function withUserFiles(program: DefinitionSet, user: readonly DefinitionFile[]): DefinitionSet {
  return user.length === 0 ? program : definitionSetOf([...program.files, ...user]);
}

export function isUserFile(name: string): boolean {
  return name.startsWith(FOLDER);
}

/** The name of a user's file in the set. InputError when it can't be one. */
export function userFileName(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  if (!/^[\w.-]{1,120}\.xml$/.test(base)) {
    throw new InputError(`"${base}" can't be the name of a definition's file`, {
      remedy: 'use letters, digits, "_", "-" and ".", ending in .xml',
    });
  }
  return FOLDER + base;
}

/** Puts files in the place of those of the same name. Two given files of one name are refused. */
export function withFiles(
  former: readonly DefinitionFile[], added: readonly DefinitionFile[],
): readonly DefinitionFile[] {
  const named = added.map(({ name, xml }) => ({ name: userFileName(name), xml }));
  const names = new Set(named.map(({ name }) => name));
  if (names.size < named.length) {
    throw new InputError('two of the files have the same name', { remedy: 'rename one, or add them one after the other' });
  }
  const all = [...former.filter(({ name }) => !names.has(name)), ...named];
  if (all.reduce((sum, { xml }) => sum + xml.length, 0) > USER_CHARACTERS) {
    throw new LimitError(`users' definitions may have ${USER_CHARACTERS} characters together`, {
      remedy: 'remove some with `resilog normalizer remove`',
    });
  }
  return all;
}
