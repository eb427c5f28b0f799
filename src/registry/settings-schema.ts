import { InputError } from '../errors';
import { loadSchema, type Schema } from '../schemas';
import type { Settings } from './settings';

interface Described {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Described>>;
}

/** A value of JSON with every key unknown: what was read and is not yet checked. */
export type Tree = Readonly<Record<string, unknown>>;

/** Values that can't change once the cluster is initialised: stored data depends on them. */
const fixedKeys = [['queue', 'buckets']] as const;

let compiled: Schema<Settings> | undefined;

function schema(): Schema<Settings> {
  compiled ??= loadSchema<Settings>('settings');
  return compiled;
}

/** The settings of a cluster whose operator changed nothing. */
export function defaultSettings(): Settings {
  return defaultsOf(schema().document) as Settings;
}

function defaultsOf(described: Described): unknown {
  if (described.properties === undefined) return described.default;
  return Object.fromEntries(Object.entries(described.properties).map(([key, value]) => [key, defaultsOf(value)]));
}

/**
 * Defaults with an operator's values laid over them. InputError names what is wrong: an unknown key (with the
 * nearest known one), a value out of its bounds, or two values that contradict each other.
 */
export function settingsOf(changes: unknown): Settings {
  if (!isTree(changes)) throw new InputError('settings are a JSON object with one object a group');
  const candidate = merge(defaultSettings() as unknown as Tree, changes);
  const checked = schema().check(candidate);
  if ('problem' in checked) {
    throw new InputError(checked.problem, { remedy: 'all settings are described in docs/specs/settings.md' });
  }
  assertConsistent(checked.value);
  return checked.value;
}

/** `base` with the patch laid over it, group by group; a null removes the key. Neither argument is changed. */
export function merge(base: Tree, patch: Tree): Tree {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (isTree(value)) merged[key] = merge(isTree(merged[key]) ? merged[key] : {}, value);
    else merged[key] = value;
  }
  return merged;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Name of a value that differs though it is fixed once the cluster is initialised. */
export function changedFixedKey(before: Settings, after: Settings): string | undefined {
  for (const [group, key] of fixedKeys) {
    if (before[group][key] !== after[group][key]) return `${group}.${key}`;
  }
  return undefined;
}

function assertConsistent(settings: Settings): void {
  const { storage, consumer, intake } = settings;
  const contradictions: readonly [boolean, string][] = [
    [storage.warnFraction > storage.refuseFraction, 'storage.warnFraction is above storage.refuseFraction'],
    [consumer.softCommitMs > consumer.hardCommitMs, 'consumer.softCommitMs is above consumer.hardCommitMs'],
    [consumer.noProgressMs > consumer.requeueAfterMs, 'consumer.noProgressMs is above consumer.requeueAfterMs'],
    [intake.maxIndexedLineBytes > intake.maxBodyBytes, 'intake.maxIndexedLineBytes is above intake.maxBodyBytes'],
  ];
  const found = contradictions.find(([wrong]) => wrong);
  if (found !== undefined) throw new InputError(found[1], { remedy: 'change both in one command' });
}

export interface DescribedSetting {
  /** `group.key`. */
  readonly name: string;
  readonly description: string;
  readonly default: unknown;
}

/** Every setting with its one-line meaning, in the schema's order: for help, lists and documents. */
export function describeSettings(): readonly DescribedSetting[] {
  const groups = (schema().document as Described).properties ?? {};
  return Object.entries(groups).flatMap(([group, { properties }]) =>
    Object.entries(properties ?? {}).map(([key, described]) => ({
      name: `${group}.${key}`, description: described.description ?? '', default: described.default,
    })));
}
