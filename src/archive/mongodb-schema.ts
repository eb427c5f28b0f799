import type { Collection, Db, ObjectId } from 'mongodb';
import type { SegmentSource } from './journal';
import { verdictOf } from './mongodb-errors';
import type { Phase } from './states';

export interface LaneDocument {
  readonly _id: string;
  readonly incarnation: string;
  readonly volume: string;
  readonly openedMs: number;
  readonly sealedAt?: number;
  readonly releasedThrough: number;
  /** Sealed, all files of all its blocks have a state, and the blocks are removed: nothing is left to do. */
  readonly finished: boolean;
  /** Changed for the sake of a majority write only. */
  readonly sealChecks?: number;
}

/** The order of the fields matters: an `_id` is compared as a whole. */
export interface JournalId {
  readonly lane: string;
  readonly n: number;
}

export interface JournalDocument {
  readonly _id: JournalId;
  readonly seal?: true;
  readonly sources?: readonly SegmentSource[];
  readonly table?: Buffer;
  /** Hex SHA-256 of the table. */
  readonly tableSha256?: string;
  /** Hex SHA-256 of the sources; blocks of older releases have none. */
  readonly sourcesSha256?: string;
  readonly data?: Buffer;
  readonly sha256?: string;
  readonly setAside?: string;
}

export interface KeyDocument {
  readonly _id: { readonly source: string; readonly key: string };
  readonly bodySha256: string;
  readonly answer: { readonly lines: number; readonly bytes: number; readonly files: readonly string[] };
  readonly createdMs: number;
  /** For the TTL index. */
  readonly createdAt: Date;
}

export interface StoredRangesDocument {
  readonly kind: 'ranges' | 'bitmap';
  readonly data: Buffer;
}

export interface StateDocument {
  readonly _id: ObjectId;
  readonly phase: Phase;
  readonly sourceId: string;
  readonly sourceName: string;
  readonly volume: string;
  readonly lane: string;
  readonly lines: number;
  readonly firstReceivedMs: number;
  readonly lastReceivedMs: number;
  readonly closedMs: number;
  readonly collection: string;
  readonly definitions: string;
  readonly timeZone: string;
  readonly maxIndexedLineBytes: number;
  readonly claim: number;
  readonly position: number;
  readonly attempts: number;
  readonly queuedMs: number;
  readonly progressMs: number;
  readonly tombstones: StoredRangesDocument;
  readonly tombstoneVersion: number;
  /** Lines that the tombstones cover. */
  readonly buried: number;
  readonly setAside: number;
  readonly reason?: string;
}

export interface BlockDocument {
  readonly offset: number;
  readonly length: number;
  readonly rawBytes: number;
  readonly firstLine: number;
  readonly lines: number;
  readonly receptions: Buffer;
  readonly sha256: Buffer;
}

/** The GridFS `files` document; its name and form are those of the GridFS specification. */
export interface GridfsFileDocument {
  readonly _id: ObjectId;
  readonly length: number;
  readonly chunkSize: number;
  readonly uploadDate: Date;
  readonly filename: string;
  readonly metadata: {
    readonly FormatVersion: number;
    readonly Source: string;
    readonly Lines: number;
    readonly RemLines: number;
    readonly Position: number;
    readonly sourceId: string;
    readonly volume: string;
    readonly lane: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly firstReceivedMs: number;
    readonly lastReceivedMs: number;
    readonly closedMs: number;
    readonly gapLines: number;
    readonly blocks: readonly BlockDocument[];
  };
}

export interface GridfsChunkDocument {
  readonly _id: ObjectId;
  readonly files_id: ObjectId;
  readonly n: number;
  readonly data: Buffer;
}

export interface SetAsideDocument {
  readonly _id: string;
  readonly fileId: string;
  readonly line: number;
  readonly reason: string;
  readonly atMs: number;
}

export interface MongodbCollections {
  readonly lanes: Collection<LaneDocument>;
  readonly journal: Collection<JournalDocument>;
  readonly keys: Collection<KeyDocument>;
  readonly states: Collection<StateDocument>;
  readonly files: Collection<GridfsFileDocument>;
  readonly chunks: Collection<GridfsChunkDocument>;
  readonly setAside: Collection<SetAsideDocument>;
}

export function collectionsOf(db: Db): MongodbCollections {
  return {
    lanes: db.collection('lanes'), journal: db.collection('journal'), keys: db.collection('keys'),
    states: db.collection('states'), files: db.collection('fs.files'), chunks: db.collection('fs.chunks'),
    setAside: db.collection('setAside'),
  };
}

const NAMESPACE_EXISTS = 48;
/** The index exists with another window. */
const INDEX_OPTIONS_CONFLICT = 85;
const DAY_SECONDS = 86_400;
/** What they hold is compressed already: a second compression only costs time. */
const UNCOMPRESSED = { storageEngine: { wiredTiger: { configString: 'block_compressor=none' } } };

/** Makes collections and indexes; idempotent, also when several processes do it at once. */
export async function prepareSchema(db: Db, keyWindowSeconds = DAY_SECONDS): Promise<void> {
  const names = ['lanes', 'journal', 'keys', 'states', 'fs.files', 'fs.chunks', 'setAside', 'definitions', 'deletions', 'audits', 'ping'];
  const present = new Set((await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name));
  for (const name of names.filter((missing) => !present.has(missing))) {
    const options = name === 'journal' || name === 'fs.chunks' ? UNCOMPRESSED : {};
    await db.createCollection(name, options).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== NAMESPACE_EXISTS) throw error;
    });
  }
  const { lanes, keys, states, files, chunks, setAside } = collectionsOf(db);
  await lanes.createIndex({ finished: 1, openedMs: 1 });
  // A clock that jumps an hour ahead on a mongod must not expire a key within any client's patience: days, not minutes.
  await keys.createIndex({ createdAt: 1 }, { expireAfterSeconds: keyWindowSeconds }).catch(async (error: unknown) => {
    if ((error as { code?: unknown }).code !== INDEX_OPTIONS_CONFLICT) throw error;
    const index = { keyPattern: { createdAt: 1 }, expireAfterSeconds: keyWindowSeconds };
    await db.command({ collMod: 'keys', index });
  });
  await states.createIndex({ phase: 1, _id: 1 });
  await states.createIndex({ sourceId: 1, _id: 1 });
  await files.createIndex({ filename: 1, uploadDate: 1 });
  await files.createIndex({ 'metadata.Source': 1, _id: 1 });
  await chunks.createIndex({ files_id: 1, n: 1 }, { unique: true });
  await setAside.createIndex({ fileId: 1 });
}

export function isDuplicate(error: unknown): boolean {
  return verdictOf(error) === 'duplicate';
}
