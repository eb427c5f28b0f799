import { NotFoundError } from '../errors';
import { verifyBlock } from './block-format';
import { checkBlocks } from './journal-checks';
import type {
  Block, InsertOutcome, Journal, JournalEntry, KeyRecord, LaneRecord, LaneStatus, RecordedLane, StoredBlock,
} from './journal';
import type { MemoryDocument, MemoryLane, MemoryStore } from './memory-store';

export class MemoryJournal implements Journal {
  constructor(private readonly store: MemoryStore) {}

  async openLane(lane: LaneRecord): Promise<void> {
    await this.store.effect('journal.openLane', () => {
      if (this.store.lanes.has(lane.id)) return;
      const order = this.store.lanes.size;
      this.store.lanes.set(lane.id, { record: lane, sealedAt: undefined, releasedThrough: -1, finished: false, order });
    });
  }

  async insert(blocks: readonly Block[], key?: KeyRecord): Promise<InsertOutcome> {
    checkBlocks(blocks);
    return this.store.effect<InsertOutcome>('journal.insert', () => {
      const known = key === undefined ? undefined : this.store.keys.get(keyId(key.sourceId, key.key));
      if (known !== undefined) return { outcome: 'repeated', record: known };
      if (blocks.some((block) => this.documents(block.lane).has(block.n))) return { outcome: 'collision' };
      for (const block of blocks) {
        // A copy, as a database has one: the caller may use its buffer again.
        this.documents(block.lane).set(block.n, { type: 'block', block: { ...block, data: Buffer.from(block.data) } });
      }
      if (key !== undefined) this.store.keys.set(keyId(key.sourceId, key.key), key);
      return { outcome: 'stored' };
    });
  }

  async findKey(sourceId: string, key: string): Promise<KeyRecord | undefined> {
    return this.store.keys.get(keyId(sourceId, key));
  }

  async seal(lane: string): Promise<number> {
    return this.store.effect('journal.seal', () => {
      const record = this.lane(lane);
      const documents = this.documents(lane);
      const highest = highestOf(documents);
      if (highest >= 0 && documents.get(highest)?.type === 'seal') {
        record.sealedAt = highest;
        return highest;
      }
      documents.set(highest + 1, { type: 'seal' });
      record.sealedAt = highest + 1;
      record.finished = record.sealedAt === 0;
      return highest + 1;
    });
  }

  async unfinishedLanes(): Promise<readonly LaneStatus[]> {
    return [...this.store.lanes.values()]
      .filter(({ finished }) => !finished)
      .sort((a, b) => a.record.openedMs - b.record.openedMs || a.order - b.order)
      .map(({ record, sealedAt, releasedThrough }) => ({
        ...record, sealedAt, releasedThrough,
        highestBlock: sealedAt === undefined ? highestOf(this.documents(record.id)) : sealedAt - 1,
      }));
  }

  async *read(lane: string, from: number, to: number): AsyncIterable<StoredBlock> {
    const numbers = [...this.documents(lane).keys()].filter((n) => n >= from && n <= to).sort((a, b) => a - b);
    for (const n of numbers) {
      const document = this.documents(lane).get(n);
      if (document?.type !== 'block') continue;
      yield { ...document.block, corrupt: document.setAside !== undefined || !verifyBlock(document.block) };
    }
  }

  async release(lane: string, throughN: number): Promise<void> {
    await this.store.effect('journal.release', () => {
      const record = this.lane(lane);
      record.releasedThrough = Math.max(record.releasedThrough, throughN);
      const documents = this.documents(lane);
      const highest = highestOf(documents);
      for (const [n, document] of documents) {
        const kept = document.type === 'block' && document.setAside !== undefined;
        if (n <= throughN && n < highest && !kept) documents.delete(n);
      }
      record.finished = record.sealedAt !== undefined && record.releasedThrough >= record.sealedAt - 1;
    });
  }

  async setAsideBlock(lane: string, n: number, reason: string): Promise<void> {
    await this.store.effect('journal.setAsideBlock', () => {
      const document = this.documents(lane).get(n);
      if (document?.type !== 'block') throw new NotFoundError(`there is no block ${lane}/${n}`);
      document.setAside = reason;
    });
  }

  async lanesWithEntries(after: string | undefined, limit: number): Promise<readonly string[]> {
    const behind = (id: string): boolean => after === undefined || id > after;
    return [...this.store.journal].filter(([id, documents]) => documents.size > 0 && behind(id))
      .map(([id]) => id).sort().slice(0, limit);
  }

  async entries(lane: string, from: number, limit: number): Promise<readonly JournalEntry[]> {
    return [...this.documents(lane)].filter(([n]) => n >= from).sort(([a], [b]) => a - b).slice(0, limit)
      .map(([n, document]) => ({
        n, seal: document.type === 'seal',
        ...(document.type === 'block' && document.setAside !== undefined ? { setAside: document.setAside } : {}),
      }));
  }

  async findLane(lane: string): Promise<RecordedLane | undefined> {
    const found = this.store.lanes.get(lane);
    if (found === undefined) return undefined;
    const { sealedAt, releasedThrough, finished } = found;
    return { sealedAt, releasedThrough, finished };
  }

  private lane(id: string): MemoryLane {
    const lane = this.store.lanes.get(id);
    if (lane === undefined) throw new NotFoundError(`lane ${id} was never opened`);
    return lane;
  }

  private documents(lane: string): Map<number, MemoryDocument> {
    let documents = this.store.journal.get(lane);
    if (documents === undefined) {
      documents = new Map<number, MemoryDocument>();
      this.store.journal.set(lane, documents);
    }
    return documents;
  }
}

function highestOf(documents: ReadonlyMap<number, MemoryDocument>): number {
  let highest = -1;
  for (const n of documents.keys()) highest = Math.max(highest, n);
  return highest;
}

function keyId(sourceId: string, key: string): string {
  return `${sourceId}\0${key}`;
}
