import { ConfigurationError, ConflictError, InputError, messageOf } from '../errors';
import type { Log } from '../log';
import type { Coordination } from './coordination';
import { paths } from './paths';
import type { Settings, SettingsPatch, SettingsWatcher } from './settings';
import {
  changedFixedKey, defaultSettings, fixedValues, holdsFixedValues, isTree, merge, settingsOf, type Tree,
} from './settings-schema';
import { WatchedDocument } from './watched-document';

/** Only what an operator changed is stored, and what is fixed: new versions of the program bring new defaults. */
export function initialSettings(changes: SettingsPatch = {}): Buffer {
  return encode(merge(changes, fixedValues(settingsOf(changes))));
}

export interface WatchedSettings extends SettingsWatcher {
  close(): void;
}

/** Reads the settings and keeps them up to date. ConfigurationError when the cluster is not initialised. */
export async function watchSettings(coordination: Coordination, log: Log): Promise<WatchedSettings> {
  return WatchedDocument.open<Settings>({
    coordination,
    path: paths.settings,
    log,
    parse: (stored, current) => {
      const settings = settingsOf(stored);
      const fixed = current === undefined ? undefined : changedFixedKey(current, settings);
      if (fixed !== undefined) throw new InputError(`${fixed} is fixed since the cluster was initialised`);
      return settings;
    },
  });
}

export interface StoredSettings {
  /** What is in force in processes that start now; the defaults when what is stored can't be used. */
  readonly settings: Settings;
  /** What differs from the defaults on purpose. */
  readonly changes: Tree;
  readonly version: number;
  /** Why what is stored can't be used. */
  readonly problem: string | undefined;
}

export async function readSettings(coordination: Coordination): Promise<StoredSettings> {
  const content = await coordination.get(paths.settings);
  if (content === undefined) {
    throw new ConfigurationError('the cluster is not initialised', { remedy: 'run `resilog init` once' });
  }
  const { version } = content.stat;
  let changes: Tree = {};
  try {
    const stored: unknown = JSON.parse(content.data.toString('utf8'));
    if (!isTree(stored)) throw new InputError('it is not a JSON object');
    changes = stored;
    return { settings: settingsOf(changes), changes, version, problem: undefined };
  } catch (error) {
    return { settings: defaultSettings(), changes, version, problem: messageOf(error) };
  }
}

/** Tries of a change that meets others' changes. */
const MAX_TRIES = 10;

/**
 * Lays the patch over what is stored, checks the whole and stores it, unless somebody else changed it meanwhile:
 * then again. InputError names what is wrong; nothing is stored then. UnknownOutcomeError may be tried again.
 */
export async function changeSettings(coordination: Coordination, patch: SettingsPatch): Promise<StoredSettings> {
  for (let attempt = 1; ; attempt += 1) {
    const stored = await readSettings(coordination);
    const changes = merge(stored.changes, patch);
    const settings = settingsOf(changes);
    assertUnfixed(stored, settings);
    // A value that is fixed stays stored even if it is reset to the default that it has.
    const content = encode(merge(changes, fixedValues(settings)));
    try {
      const { version } = await coordination.set(paths.settings, content, stored.version);
      return { settings, changes, version, problem: undefined };
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt >= MAX_TRIES) throw error;
    }
  }
}

function assertUnfixed(stored: StoredSettings, settings: Settings): void {
  if (stored.problem !== undefined && !holdsFixedValues(stored.changes)) {
    throw new ConfigurationError(`${paths.settings} can't be mended by a change: ${stored.problem}`, {
      remedy: 'put its last good content back with ZooKeeper\'s own client',
    });
  }
  const fixed = stored.problem === undefined ? changedFixedKey(stored.settings, settings) : undefined;
  if (fixed !== undefined) {
    throw new InputError(`${fixed} can't be changed once the cluster is initialised`);
  }
}

function encode(changes: Tree): Buffer {
  return Buffer.from(JSON.stringify(changes, undefined, 2));
}
