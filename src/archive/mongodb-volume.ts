import type { AuditRecords } from '../audit/ports';
import type { Clock } from '../clock';
import { ConfigurationError, ConflictError, invariant } from '../errors';
import { silentLog, type Log } from '../log';
import type { DefinitionStore } from '../normaliser/ports';
import type { Deletions } from '../retention/ports';
import type { Files } from './files';
import type { Journal } from './journal';
import type { MongodbAccess } from './mongodb-access';
import { MongodbConnection, type MongodbDeadlines } from './mongodb-connection';
import { MongodbAudits } from './mongodb-audits';
import { MongodbDefinitions } from './mongodb-definitions';
import { MongodbDeletions } from './mongodb-deletions';
import { translate } from './mongodb-errors';
import { MongodbFiles } from './mongodb-files';
import { MongodbJournal } from './mongodb-journal';
import { collectionsOf, prepareSchema } from './mongodb-schema';
import { MongodbStates } from './mongodb-states';
import type { States } from './states';
import type { Volume } from './volume';

export interface MongodbVolumeOptions {
  /** Name of the volume; stored in files and states. */
  readonly name: string;
  /** `mongodb://[::1]:27017/?replicaSet=rs0`; several members separated by commas. */
  readonly url: string;
  readonly database: string;
  readonly access?: MongodbAccess;
  readonly clock: Clock;
  readonly log?: Log;
  readonly deadlines?: MongodbDeadlines;
  readonly maxPoolSize?: number;
  /** How long an Idempotency-Key is remembered; at least two hours. */
  readonly keyWindowSeconds?: number;
}

const KEY_WINDOW_SECONDS_MIN = 7_200;
/** Above this the locks of a killed client's transaction hold up seals and closes for long (schedule 47). */
const TRANSACTION_LIFETIME_SECONDS_MAX = 10;

/** A MongoDB replica set. Connects at the first operation; `prepare` makes what is missing. */
export class MongodbVolume implements Volume {
  readonly name: string;
  readonly journal: Journal;
  readonly files: Files;
  readonly states: States;
  readonly definitions: DefinitionStore;
  readonly deletions: Deletions;
  readonly audits: AuditRecords;
  /** For tests and administration only. */
  readonly connection: MongodbConnection;
  private readonly log: Log;
  private readonly keyWindowSeconds: number;
  private closed = false;

  constructor(options: MongodbVolumeOptions) {
    this.keyWindowSeconds = options.keyWindowSeconds ?? 86_400;
    invariant(this.keyWindowSeconds >= KEY_WINDOW_SECONDS_MIN, 'keys are remembered for two hours at least');
    this.name = options.name;
    this.log = options.log ?? silentLog;
    this.connection = new MongodbConnection(options);
    const collections = collectionsOf(this.connection.db);
    this.journal = new MongodbJournal(this.connection, collections);
    this.files = new MongodbFiles(this.connection, collections);
    this.states = new MongodbStates(this.connection, collections);
    this.definitions = new MongodbDefinitions(this.connection);
    this.deletions = new MongodbDeletions(this.connection);
    this.audits = new MongodbAudits(this.connection);
  }

  /**
   * Makes collections and indexes that are missing; idempotent. ConfigurationError when the server is not a member of
   * a replica set, UnavailableError when it does not answer. A foreign server's settings are checked and warned of.
   */
  async prepare(): Promise<void> {
    await this.connection.answer('check the server', this.checkServer());
    try {
      await prepareSchema(this.connection.db, this.keyWindowSeconds);
    } catch (error) {
      throw translate(error, 'prepare collections', 'none');
    }
  }

  private async checkServer(): Promise<void> {
    await this.connection.connect();
    const admin = this.connection.client.db('admin');
    const hello = await admin.command({ hello: 1 });
    if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid') {
      throw new ConfigurationError('the MongoDB server is not a member of a replica set', {
        remedy: 'start mongod with --replSet and initiate the set: a single server can lose what it acknowledged',
      });
    }
    const seconds = await admin.command({ getParameter: 1, transactionLifetimeLimitSeconds: 1 })
      .then((answer) => Number(answer['transactionLifetimeLimitSeconds']), () => undefined);
    if (seconds !== undefined && seconds > TRANSACTION_LIFETIME_SECONDS_MAX) {
      this.log.warn('TransactionLifetimeTooLong', {
        seconds, remedy: 'start mongod with --setParameter transactionLifetimeLimitSeconds=5',
      });
    }
  }

  async ping(): Promise<void> {
    await this.connection.write('ping', (session) => this.connection.db.collection<{ _id: string }>('ping').updateOne(
      { _id: 'ping' }, { $currentDate: { at: true } } as object,
      { upsert: true, session, maxTimeMS: this.connection.maxTimeMS })).catch((error: unknown) => {
      // Two first pings at once: an answer all the same.
      if (!(error instanceof ConflictError)) throw error;
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.connection.close();
  }
}
