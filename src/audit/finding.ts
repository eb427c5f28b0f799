/**
 * Everything that the audit can find, and what a person can do about it. The names are shown, counted as labels of a
 * metric and stored: docs/specs/audit.md describes each.
 */
export const remedies = {
  'lines-missing': 'indexing the file again brings them back: `resilog audit run --repair`',
  'lines-doubled': 'removing them and indexing the file again mends it: `resilog audit run --repair`',
  'lines-alien': 'they are no lines of the file and can go: `resilog audit run --repair`',
  'lines-buried': 'they were deleted and have to go: `resilog audit run --repair`',
  'lines-refused': 'indexing the file again settles which lines the index refuses: `resilog audit run --repair`',
  'sums-differ': 'look at the documents of the file: `resilog search --json` and the log of Solr',
  'documents-without-file': 'no file has these lines: `resilog audit run --repair` removes them, unless another cluster uses this index',
  'state-contradictory': 'a defect of ours: report it with `resilog file show ID --json`',
  'set-aside-differs': 'indexing the file again settles it: `resilog set-aside replay`',
  'file-given-up': 'see `resilog queue dead` for the reason, mend it, then `resilog queue replay ID`',
  'file-missing': 'the archive lost it: restore it from a backup of MongoDB, or delete its lines',
  'file-without-state': 'nobody indexes or deletes it: restore the state from a backup of MongoDB',
  'file-differs': 'restore it from a backup of MongoDB; what can be read of it: `resilog show`',
  'block-damaged': "check that member's disk; restore the file from another member or a backup of MongoDB",
  'lines-lost': 'a block of the journal could not be read when the file was closed; see JournalBlockCorrupt',
  'file-not-queued': 'putting it into the queue again mends it: `resilog audit run --repair`',
  'item-without-state': 'restore MongoDB from a backup that has the file, or wait: consumers drop it after two days',
  'item-unreadable': 'the consumer of its bucket discards it, and the recoverer queues its files again',
  'letter-left': 'the file is not dead any more: `resilog queue replay ID` takes the letter away',
  'lane-unknown': 'nobody closes its blocks: restore the lane from a backup of MongoDB',
  'block-left': 'its files are closed, and releasing it again removes it: `resilog audit run --repair`',
  'block-orphaned': 'its lane is over and one of its files has no state: keep it and compare with a backup of MongoDB',
  'block-missing': 'acknowledged lines may be lost: restore it from another member or a backup of MongoDB',
  'block-corrupt': "check that member's disk; its lane's closer sets it aside and closes its files with a gap",
  'block-set-aside': 'it could not be read; look at the member that lost it, and rescue it from a backup',
  'seal-missing': 'a producer that wakes up late could write behind it: restore it from a backup of MongoDB',
} as const;
export type FindingKind = keyof typeof remedies;

/** done: repaired. possible: there is a repair, not asked for, or put off. none: it needs a person. */
export type Repair = 'done' | 'possible' | 'none';

/** What is wrong, and with what. */
export interface Damage {
  readonly kind: FindingKind;
  readonly volume?: string;
  readonly fileId?: string;
  readonly lane?: string;
  /** Bucket and name of a queue item. */
  readonly item?: string;
  /** One clause for people. */
  readonly detail: string;
}

export interface Finding extends Damage {
  readonly repair: Repair;
  readonly remedy: string;
}

/**
 * Damage that was seen once. It becomes a finding when a later look sees the same again: same kind, subject and
 * version. The version changes with whatever is allowed to change the matter, such as the file's claim.
 */
export interface Suspicion {
  readonly damage: Damage;
  /** What to look at again. */
  readonly subject: string;
  readonly version: string;
  /**
   * Mends it by a way that can't race with the live path. False: put off, or what was seen has changed since.
   */
  readonly repair?: () => Promise<boolean>;
}

export function keyOf({ damage, subject, version }: Suspicion): string {
  return `${damage.kind} ${subject} ${version}`;
}

export function findingOf(damage: Damage, repair: Repair): Finding {
  return { ...damage, repair, remedy: remedies[damage.kind] };
}
