import type { Collection } from 'mongodb';
import type { AuditRecords, Progress, Report } from '../audit/ports';
import type { MongodbConnection } from './mongodb-connection';
import { isDuplicate } from './mongodb-schema';

interface AuditDocument {
  readonly _id: 'progress' | 'last';
  readonly revision?: number;
  readonly progress?: Progress;
  readonly report?: Report;
}

/** Two documents: the round in work and the last one that ended. */
export class MongodbAudits implements AuditRecords {
  private readonly documents: Collection<AuditDocument>;

  constructor(private readonly connection: MongodbConnection) {
    this.documents = connection.db.collection('audits');
  }

  async progress(): ReturnType<AuditRecords['progress']> {
    const found = await this.find('progress');
    return { progress: found?.progress, revision: found?.revision ?? 0 };
  }

  async saveProgress(progress: Progress | undefined, revision: number): Promise<boolean> {
    const content = { revision: revision + 1, ...(progress === undefined ? {} : { progress }) };
    const done = await this.connection.write('keep the place of the audit', async (session) => {
      const options = { session, maxTimeMS: this.connection.maxTimeMS };
      const condition = { _id: 'progress', revision } as const;
      // With an upsert, a first place that somebody else made already collides.
      return this.documents.replaceOne(condition, content, { ...options, upsert: revision === 0 })
        .catch((error: unknown) => {
          if (isDuplicate(error)) return undefined;
          throw error;
        });
    });
    return done !== undefined && done.matchedCount + done.upsertedCount > 0;
  }

  async last(): Promise<Report | undefined> {
    return (await this.find('last'))?.report;
  }

  async saveLast(report: Report): Promise<void> {
    await this.connection.write('keep the report of the audit', (session) => this.documents.replaceOne(
      { _id: 'last' }, { report }, { upsert: true, session, maxTimeMS: this.connection.maxTimeMS }));
  }

  private find(_id: AuditDocument['_id']): Promise<AuditDocument | null> {
    return this.connection.read('read the audit', (session) => (
      this.documents.findOne({ _id }, { session, maxTimeMS: this.connection.maxTimeMS })));
  }
}
