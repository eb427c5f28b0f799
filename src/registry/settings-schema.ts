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

/**
 * Values that can't change once the cluster is initialised: stored data depends on them. A file stays in its bucket,
 * and lines in a former collection would not be found any more.
 */
const fixedKeys = [['queue', 'buckets'], ['index', 'collection']] as const;

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
  return fixedKeys.map(([group, key]) => `${group}.${key}`)
    .find((name) => valueOf(before as unknown as Tree, name) !== valueOf(after as unknown as Tree, name));
}

/** What has to be stored even when it is the default, since another default must never take its place. */
export function fixedValues(settings: Settings): Tree {
  return { queue: { buckets: settings.queue.buckets }, index: { collection: settings.index.collection } };
}

function valueOf(tree: Tree, name: string): unknown {
  const [group = '', key = ''] = name.split('.');
  const found = tree[group];
  return isTree(found) ? found[key] : undefined;
}

/** Whether the stored values hold all that is fixed. */
export function holdsFixedValues(changes: Tree): boolean {
  return fixedKeys.every(([group, key]) => valueOf(changes, `${group}.${key}`) !== undefined);
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
