import { ObjectId, type ClientSession, type Filter } from 'mongodb';
import type { MongodbConnection } from './mongodb-connection';
import type { MongodbCollections, SetAsideDocument } from './mongodb-schema';
import { setAsideId } from './state-rules';
import type { SetAsideLine } from './states';

/** Lines that the index refused, and their number in the state of their file. */
export class MongodbSetAside {
  constructor(private readonly connection: MongodbConnection, private readonly collections: MongodbCollections) {}

  async put(line: SetAsideLine): Promise<void> {
    const { fileId, line: number, reason, atMs } = line;
    await this.connection.write('set a line aside', async (session) => {
      await this.collections.setAside.updateOne(
        { _id: setAsideId(line) }, { $set: { fileId, line: number, reason, atMs } },
        { upsert: true, session, ...this.bounded() });
      await this.count(fileId, session);
    });
  }

  async list(
    query: { readonly fileId?: string; readonly after?: SetAsideLine; readonly limit: number },
  ): Promise<readonly SetAsideLine[]> {
    const filter: Filter<SetAsideDocument> = {
      ...(query.fileId === undefined ? {} : { fileId: query.fileId }),
      ...(query.after === undefined ? {} : { _id: { $gt: setAsideId(query.after) } }),
    };
    const found = await this.connection.read('list set-aside lines', (session) => this.collections.setAside
      .find(filter, { session, ...this.bounded() }).sort({ _id: 1 }).limit(query.limit).toArray());
    return found.map(({ fileId, line, reason, atMs }) => ({ fileId, line, reason, atMs }));
  }

  async clear(fileId: string): Promise<void> {
    await this.connection.write('forget set-aside lines', async (session) => {
      await this.collections.setAside.deleteMany({ fileId }, { session, ...this.bounded() });
      await this.count(fileId, session);
    });
  }

  private async count(fileId: string, session: ClientSession): Promise<void> {
    const setAside = await this.collections.setAside.countDocuments({ fileId }, { session, ...this.bounded() });
    await this.collections.states.updateOne(
      { _id: new ObjectId(fileId) }, { $set: { setAside } }, { session, ...this.bounded() });
  }

  private bounded(): { readonly maxTimeMS: number } {
    return { maxTimeMS: this.connection.maxTimeMS };
  }
}
