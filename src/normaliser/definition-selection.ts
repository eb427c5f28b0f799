import type { CallbackDefinition, Definition, TagTypeDefinition } from './definition';
import type { CommonDefinitions } from './definition-compiler';
import { DefinitionError } from './definition-error';
import { loadDefinitionFile } from './definition-loader';
import type { DefinitionSet } from './ports';
import { isUserFile } from './user-definitions';

/** A normalizer of a set that runs, with the common tag types and callbacks that it sees. */
export interface SelectedDefinition {
  readonly definition: Definition;
  readonly common: CommonDefinitions;
}

/**
 * The normalizers of a set that run, in the order of the files' names. Of several of one name the users' does, whatever
 * its version, so that what a later program brings never takes its place; else the one of the highest version. Throws
 * DefinitionError for a file that cannot be read, and for two of the same name and version that are both the users' or
 * both the program's.
 */
export function selectDefinitions(set: DefinitionSet): readonly SelectedDefinition[] {
  const definitions: Definition[] = [];
  const common = new CommonFiles();
  for (const file of set.files) {
    const content = loadDefinitionFile(file);
    if (content.kind === 'normalizer') definitions.push(content.definition);
    else if (content.kind === 'tagTypes') common.addTagTypes(file.name, content.tagTypes);
    else common.addCallbacks(file.name, content.callbacks);
  }
  const users = highestVersions(definitions.filter(({ place }) => isUserFile(place.file)));
  const programs = highestVersions(definitions.filter(({ place }) => !isUserFile(place.file)));
  const running = new Set(new Map([...programs, ...users]).values());
  return definitions.filter((definition) => running.has(definition))
    .map((definition) => ({ definition, common: common.seenFrom(definition.place.file) }));
}

/** By name. */
function highestVersions(definitions: readonly Definition[]): ReadonlyMap<string, Definition> {
  const byId = new Map<string, Definition>();
  const highest = new Map<string, Definition>();
  for (const definition of definitions) {
    const twin = byId.get(definition.id);
    if (twin !== undefined) {
      throw new DefinitionError(definition.place, `"${definition.id}" is also defined in ${twin.place.file}`,
        'Change its name or its version.');
    }
    byId.set(definition.id, definition);
    const other = highest.get(definition.name);
    const isHigher = other === undefined || Number(definition.version) > Number(other.version);
    if (isHigher) highest.set(definition.name, definition);
  }
  return highest;
}

/**
 * Common files serve the normalizers of their own folder first, so that definitions from elsewhere keep the meaning
 * that they have at home; what a folder lacks is taken from all others, the last by name first.
 */
class CommonFiles {
  private readonly everywhere = newCommon();
  private readonly byFolder = new Map<string, ReturnType<typeof newCommon>>();

  addTagTypes(file: string, tagTypes: readonly TagTypeDefinition[]): void {
    for (const { tagTypes: known } of [this.everywhere, this.folderOf(file)]) {
      for (const type of tagTypes) known.set(type.name, type);
    }
  }

  addCallbacks(file: string, callbacks: readonly CallbackDefinition[]): void {
    for (const { callbacks: known } of [this.everywhere, this.folderOf(file)]) {
      for (const callback of callbacks) known.set(callback.name, callback);
    }
  }

  seenFrom(file: string): CommonDefinitions {
    const own = this.folderOf(file);
    return {
      tagTypes: new Map([...this.everywhere.tagTypes, ...own.tagTypes]),
      callbacks: new Map([...this.everywhere.callbacks, ...own.callbacks]),
    };
  }

  private folderOf(file: string): ReturnType<typeof newCommon> {
    const folder = file.slice(0, file.lastIndexOf('/') + 1);
    const known = this.byFolder.get(folder) ?? newCommon();
    this.byFolder.set(folder, known);
    return known;
  }
}

function newCommon(): { tagTypes: Map<string, TagTypeDefinition>; callbacks: Map<string, CallbackDefinition> } {
  return { tagTypes: new Map(), callbacks: new Map() };
}
