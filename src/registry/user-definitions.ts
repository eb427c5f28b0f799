import type { Clock } from '../clock';
import { ConflictError, InputError, NotFoundError } from '../errors';
import { definitionSetOf } from '../normaliser/definition-set';
import type { DefinitionFile, DefinitionStore } from '../normaliser/ports';
import type { Coordination, NodeContent, Watch } from './coordination';
import { paths } from './paths';

/** What the registry says of the users' definitions: which set of files is in force. The files are in the archive. */
export interface UserDefinitionsPointer {
  /** Version under which the set of the users' files is kept; undefined: there are none. */
  readonly set: string | undefined;
  readonly changedAt: string | undefined;
}

const NONE: UserDefinitionsPointer = { set: undefined, changedAt: undefined };
const FORMAT_VERSION = 1;
const MAX_TRIES = 10;

/** InputError when the content is none of ours. A node that is empty or missing (an older cluster) means no files. */
export function parsePointer(content: NodeContent | undefined): UserDefinitionsPointer {
  if (content === undefined || content.data.length === 0) return NONE;
  const { formatVersion, set, changedAt } = JSON.parse(content.data.toString('utf8')) as Record<string, unknown>;
  if (formatVersion !== FORMAT_VERSION || typeof changedAt !== 'string') {
    throw new InputError(`${paths.definitions} has a form that this version does not know`);
  }
  if (set !== null && (typeof set !== 'string' || !/^[0-9a-f]{16}$/.test(set))) {
    throw new InputError(`${paths.definitions} names no set of definitions`);
  }
  return { set: set ?? undefined, changedAt };
}

/** Calls the handler with what the node holds, now and after each change. */
export function watchUserDefinitions(
  coordination: Coordination, handler: (content: NodeContent | undefined) => void,
): Watch {
  return coordination.watchContent(paths.definitions, handler);
}

export interface UserDefinitionsOptions {
  readonly coordination: Coordination;
  /** Of every volume: a set is kept in all of them before the registry names it. */
  readonly stores: readonly DefinitionStore[];
  readonly clock: Clock;
}

/** The users' definitions: read and changed as a whole, so that a set that was checked is the one in force. */
export class UserDefinitions {
  constructor(private readonly options: UserDefinitionsOptions) {}

  async files(): Promise<readonly DefinitionFile[]> {
    const { coordination, stores } = this.options;
    const { set } = parsePointer(await coordination.get(paths.definitions));
    return loadUserFiles(stores, set);
  }

  /**
   * Replaces the files by what `edit` makes of them, which throws to refuse. Called again when somebody else changed
   * them meanwhile. PermissionError unless the credentials are the administrator's.
   */
  async change(edit: (files: readonly DefinitionFile[]) => readonly DefinitionFile[]): Promise<UserDefinitionsPointer> {
    const { coordination, stores, clock } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      await coordination.ensure(paths.definitions);
      const content = await coordination.get(paths.definitions);
      const files = edit(await loadUserFiles(stores, parsePointer(content).set));
      const set = files.length === 0 ? undefined : definitionSetOf(files);
      // First the files, last what names them: a crash between leaves a set that nobody uses.
      if (set !== undefined) for (const store of stores) await store.save(set);
      const pointer: UserDefinitionsPointer = { set: set?.version, changedAt: new Date(clock.now()).toISOString() };
      try {
        await coordination.set(paths.definitions, encodePointer(pointer), content?.stat.version);
        return pointer;
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt >= MAX_TRIES) throw error;
      }
    }
  }
}

/** The files of a set, from the first store that has them. NotFoundError when none has. */
export async function loadUserFiles(
  stores: readonly DefinitionStore[], set: string | undefined,
): Promise<readonly DefinitionFile[]> {
  if (set === undefined) return [];
  for (const store of stores) {
    try {
      return (await store.load(set)).files;
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
  throw new NotFoundError(`the users' definitions ${set}, which the registry names, are in no volume`);
}

function encodePointer({ set, changedAt }: UserDefinitionsPointer): Buffer {
  return Buffer.from(JSON.stringify({ formatVersion: FORMAT_VERSION, set: set ?? null, changedAt }));
}
