import type { Collection } from 'mongodb';
import type { DeletionRequest, Deletions, DeletionsQuery } from '../retention/ports';
import type { MongodbConnection } from './mongodb-connection';

type DeletionDocument = Omit<DeletionRequest, 'id'> & { readonly _id: string };

export class MongodbDeletions implements Deletions {
  private readonly requests: Collection<DeletionDocument>;

  constructor(private readonly connection: MongodbConnection) {
    this.requests = connection.db.collection('deletions');
  }

  async create(request: DeletionRequest): Promise<void> {
    const { id, ...rest } = request;
    await this.connection.write(`make deletion ${id}`, (session) => this.requests.replaceOne(
      { _id: id }, rest, { upsert: true, session, maxTimeMS: this.connection.maxTimeMS }));
  }

  async update(request: DeletionRequest): Promise<boolean> {
    const { id, revision, ...rest } = request;
    const { matchedCount } = await this.connection.write(`change deletion ${id}`, (session) => this.requests.replaceOne(
      { _id: id, revision }, { ...rest, revision: revision + 1 }, { session, maxTimeMS: this.connection.maxTimeMS }));
    return matchedCount === 1;
  }

  async get(id: string): Promise<DeletionRequest | undefined> {
    const found = await this.connection.read(`read deletion ${id}`, (session) => (
      this.requests.findOne({ _id: id }, { session, maxTimeMS: this.connection.maxTimeMS })));
    return found === null ? undefined : fromDocument(found);
  }

  async list({ state, after, newestFirst, limit }: DeletionsQuery): Promise<readonly DeletionRequest[]> {
    const behind = newestFirst ? '$lt' : '$gt';
    const filter = {
      ...(state !== undefined && { state }),
      ...(after !== undefined && { $or: [
        { throughMs: { [behind]: after.throughMs } },
        { throughMs: after.throughMs, _id: { [behind]: after.id } },
      ] }),
    };
    const direction = newestFirst ? -1 : 1;
    const found = await this.connection.read('list deletions', (session) => this.requests
      .find(filter, { session, maxTimeMS: this.connection.maxTimeMS })
      .sort({ throughMs: direction, _id: direction }).limit(limit).toArray());
    return found.map(fromDocument);
  }
}

function fromDocument({ _id, ...rest }: DeletionDocument): DeletionRequest {
  return { id: _id, ...rest };
}
