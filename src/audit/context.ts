import type { FileState } from '../archive/states';
import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import type { LogIndex } from '../index/ports';
import type { QueueAdministration, QueueProducer } from '../queue/ports';
import type { QueueInventory } from '../queue/queue-inventory';
import type { Deletions } from '../retention/ports';
import type { Pace } from './pace';

/** Files that a round is limited to; without one it goes over everything. */
export interface AuditScope {
  readonly sourceName?: string;
  /** Files with a line received at this time or later. */
  readonly sinceMs?: number;
}

/** What the stages reach. */
export interface AuditContext {
  readonly volumes: readonly Volume[];
  readonly index: LogIndex;
  readonly collections: readonly string[];
  readonly deletions: Deletions;
  readonly queue: QueueProducer;
  readonly letters: Pick<QueueAdministration, 'dead'>;
  readonly inventory: QueueInventory;
  readonly clock: Clock;
  readonly pace: Pace;
  /** A closed file without progress for so long is in nobody's hands: the recoverer had its time. */
  readonly stuckAfterMs: () => number;
  /** A person has asked for the round, and answers for what only a person can know. */
  readonly attended: boolean;
  readonly scope?: AuditScope;
}

export function isInScope(state: FileState, scope: AuditScope | undefined): boolean {
  return (scope?.sourceName === undefined || state.sourceName === scope.sourceName)
    && (scope?.sinceMs === undefined || state.lastReceivedMs >= scope.sinceMs);
}

/** What may change what the index should hold of a file: a look that sees it change saw something in flight. */
export function versionOf({ phase, claim, tombstoneVersion, setAside }: FileState): string {
  return `${phase}/${claim}/${tombstoneVersion}/${setAside}`;
}

const GETS_AT_ONCE = 16;

/** The states that there still are, in the order of the ids. */
export async function statesOf(volume: Volume, ids: readonly string[]): Promise<readonly FileState[]> {
  const found: (FileState | undefined)[] = [];
  for (let at = 0; at < ids.length; at += GETS_AT_ONCE) {
    found.push(...await Promise.all(ids.slice(at, at + GETS_AT_ONCE).map((id) => volume.states.get(id))));
  }
  return found.filter((state) => state !== undefined);
}

const FILE_ID = /^[0-9a-f]{24}$/;

/** Those of the ids that have a state in some volume. */
export async function knownIds(volumes: readonly Volume[], ids: readonly string[]): Promise<ReadonlySet<string>> {
  const possible = ids.filter((id) => FILE_ID.test(id));
  const found = await Promise.all(volumes.map((volume) => volume.states.existing(possible)));
  return new Set(found.flatMap((some) => [...some]));
}
