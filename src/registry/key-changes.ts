import { isTree } from './settings-schema';

/**
 * The content of /Authentification: a counter of changes and the keys that the latest ones concerned. A process
 * watches this one node and reads again only what changed, whatever the number of sources.
 */
export interface KeyChanges {
  /** The cluster whose keys these are: tells them from those of a registry that was wiped and made anew. */
  readonly clusterId: string;
  readonly generation: number;
  /** Oldest first, consecutive, the last one being `generation`. */
  readonly latest: readonly { readonly generation: number; readonly keys: readonly string[] }[];
}

/** Changes kept: a reader that missed more reads all keys. */
const KEPT = 256;

export function noKeyChanges(clusterId: string): KeyChanges {
  return { clusterId, generation: 0, latest: [] };
}

export function encodeKeyChanges(changes: KeyChanges): Buffer {
  return Buffer.from(JSON.stringify(changes));
}

/** Content that can't be read counts as none: readers then read all keys. */
export function decodeKeyChanges(data: Buffer): KeyChanges {
  try {
    const content: unknown = JSON.parse(data.toString('utf8'));
    if (isTree(content) && typeof content.generation === 'number' && Array.isArray(content.latest)) {
      return content as unknown as KeyChanges;
    }
  } catch {
    // Falls through: written by other means.
  }
  return noKeyChanges('');
}

export function withChange(changes: KeyChanges, keys: readonly string[]): KeyChanges {
  const generation = changes.generation + 1;
  return { clusterId: changes.clusterId, generation, latest: [...changes.latest, { generation, keys }].slice(-KEPT) };
}

/** Keys that changed after `generation`, or undefined when only reading all of them tells. */
export function keysChangedSince(changes: KeyChanges, generation: number): readonly string[] | undefined {
  if (changes.generation === generation) return [];
  const missed = changes.latest.filter((change) => change.generation > generation);
  if (changes.generation < generation || missed.length !== changes.generation - generation) return undefined;
  return missed.flatMap((change) => change.keys);
}
