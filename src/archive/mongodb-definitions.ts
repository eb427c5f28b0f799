import type { Collection } from 'mongodb';
import { ConflictError, NotFoundError } from '../errors';
import type { DefinitionFile, DefinitionSet, DefinitionStore } from '../normaliser/ports';
import type { MongodbConnection } from './mongodb-connection';

interface DefinitionDocument {
  readonly _id: string;
  readonly files: readonly DefinitionFile[];
}

export class MongodbDefinitions implements DefinitionStore {
  private readonly sets: Collection<DefinitionDocument>;

  constructor(private readonly connection: MongodbConnection) {
    this.sets = connection.db.collection('definitions');
  }

  async save(set: DefinitionSet): Promise<void> {
    const files = set.files.map(({ name, xml }) => ({ name, xml }));
    try {
      await this.connection.write(`save definitions ${set.version}`, (session) => this.sets.updateOne(
        { _id: set.version }, { $setOnInsert: { files } },
        { upsert: true, session, maxTimeMS: this.connection.maxTimeMS }));
    } catch (error) {
      // Two upserts at once: the other one saved the very same set.
      if (!(error instanceof ConflictError)) throw error;
    }
  }

  async load(version: string): Promise<DefinitionSet> {
    const found = await this.connection.read(`load definitions ${version}`, (session) => (
      this.sets.findOne({ _id: version }, { session, maxTimeMS: this.connection.maxTimeMS })));
    if (found === null) throw new NotFoundError(`definitions ${version} were never saved`);
    return { version, files: found.files };
  }
}
