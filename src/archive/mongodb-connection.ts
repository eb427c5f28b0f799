import { MongoClient, type ClientSession, type Db, type Timestamp } from 'mongodb';
import type { Clock } from '../clock';
import { UnavailableError, UnknownOutcomeError } from '../errors';
import { silentLog, type Log } from '../log';
import { mongodbAccessOptions, type MongodbAccess } from './mongodb-access';
import { translate, verdictOf } from './mongodb-errors';

/** Deadlines of every operation in ms; together they keep an answer within 6 s whatever the servers do. */
export interface MongodbDeadlines {
  readonly selectionMs: number;
  readonly socketMs: number;
  /** Of the server's own work, and of its waiting for a majority. */
  readonly serverMs: number;
  /** Our own, round the whole operation: the driver's `timeoutMS` does nothing on these calls (schedule 46). */
  readonly operationMs: number;
}

export const defaultDeadlines: MongodbDeadlines = {
  selectionMs: 4_000, socketMs: 5_000, serverMs: 4_500, operationMs: 5_000,
};

export interface MongodbConnectionOptions {
  readonly url: string;
  readonly database: string;
  readonly access?: MongodbAccess;
  readonly clock: Clock;
  readonly log?: Log;
  readonly deadlines?: MongodbDeadlines;
  readonly maxPoolSize?: number;
}

/** A failed transaction's locks are usually gone when the caller goes on; it is not kept longer than this for them. */
const ABORT_WAIT_MS = 500;

/** Names one part of a transaction; refuses to start another once the deadline has passed. */
export type TransactionStep = <T>(run: () => Promise<T>) => Promise<T>;

/**
 * The one way to MongoDB: majority and journal on every write, majority reads that come causally after our own
 * writes even when the primary changes, and a deadline of our own round everything.
 */
export class MongodbConnection {
  readonly client: MongoClient;
  readonly db: Db;
  /** For options of reads and writes outside transactions. */
  readonly maxTimeMS: number;
  private readonly clock: Clock;
  private readonly deadlines: MongodbDeadlines;
  private readonly log: Log;
  /** Time of the last operation whose effect later reads must see. */
  private latest: Timestamp | undefined;
  private connected = false;

  constructor(options: MongodbConnectionOptions) {
    this.clock = options.clock;
    this.log = options.log ?? silentLog;
    this.deadlines = options.deadlines ?? defaultDeadlines;
    this.maxTimeMS = this.deadlines.serverMs;
    const { selectionMs, socketMs, serverMs } = this.deadlines;
    this.client = new MongoClient(options.url, {
      ...mongodbAccessOptions(options.url, options.access),
      appName: 'resilog',
      serverSelectionTimeoutMS: selectionMs,
      connectTimeoutMS: selectionMs,
      waitQueueTimeoutMS: selectionMs,
      socketTimeoutMS: socketMs,
      heartbeatFrequencyMS: 2_000,
      maxPoolSize: options.maxPoolSize ?? 32,
      // A retry by the driver would hide that the first try's outcome is unknown.
      retryWrites: false,
      retryReads: false,
      maxAdaptiveRetries: 0,
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: serverMs },
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      promoteBuffers: true,
      ignoreUndefined: true,
    });
    this.db = this.client.db(options.database);
  }

  /**
   * Connects, and tries anew when an earlier try failed. Operations connect by themselves, but only once: after a first
   * failure the driver answers "Topology is closed" for ever.
   */
  async connect(): Promise<void> {
    if (this.connected) return;
    await this.client.connect();
    this.connected = true;
  }

  /** An operation without effect. Rejects with UnavailableError. */
  async read<T>(what: string, run: (session: ClientSession) => Promise<T>): Promise<T> {
    return this.inSession(what, 'none', run);
  }

  /**
   * One write, or several of which each may be repeated. UnavailableError: not done; UnknownOutcomeError: maybe done;
   * LimitError, InputError, ConflictError (a unique key exists): not done.
   */
  async write<T>(what: string, run: (session: ClientSession) => Promise<T>): Promise<T> {
    return this.inSession(what, 'possible', run);
  }

  /**
   * All steps or none. An error that `run` throws itself, and any before the commit was sent, is definite; any error of
   * the commit is UnknownOutcomeError: the driver's labels are not relied upon. A conflict with another
   * transaction is UnavailableError whose cause has verdict `conflict`.
   */
  async transaction<T>(
    what: string, run: (session: ClientSession, step: TransactionStep) => Promise<T>,
  ): Promise<T> {
    const session = this.startSession();
    const endMs = this.clock.monotonic() + this.deadlines.operationMs;
    let expired = false;
    // Nothing begins once the transaction is given up; see `abort`.
    const step: TransactionStep = async (part) => {
      if (expired) throw new UnavailableError(`${what}: too late`);
      return part();
    };
    session.startTransaction({
      readConcern: { level: 'snapshot' }, maxCommitTimeMS: this.deadlines.serverMs,
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: this.deadlines.serverMs },
    });
    const body = run(session, step);
    let result: T;
    try {
      result = await this.within(body, endMs, () => new UnavailableError(`${what}: no answer in time, not committed`));
    } catch (error) {
      expired = true;
      await this.abort(session, body);
      throw translate(error, what, 'none');
    }
    try {
      const commit = session.commitTransaction();
      await this.within(commit, endMs, () => new UnknownOutcomeError(`${what}: the commit got no answer in time`));
    } catch (error) {
      this.release(session);
      if (error instanceof UnknownOutcomeError) throw error;
      throw new UnknownOutcomeError(`${what}: the commit failed`, { cause: error });
    }
    this.remember(session);
    this.release(session);
    return result;
  }

  /** Waits for one answer of a cursor, within the deadline. */
  async answer<T>(what: string, promise: Promise<T>): Promise<T> {
    const endMs = this.clock.monotonic() + this.deadlines.operationMs;
    try {
      return await this.within(promise, endMs, () => new UnavailableError(`${what}: no answer in time`));
    } catch (error) {
      throw translate(error, what, 'none');
    }
  }

  /** A session whose reads come causally after every write of this connection. The caller ends it. */
  startSession(): ClientSession {
    const session = this.client.startSession({ causalConsistency: true });
    if (this.latest !== undefined) session.advanceOperationTime(this.latest);
    return session;
  }

  pause(delayMs: number): Promise<void> {
    return this.clock.sleep(delayMs);
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  private async inSession<T>(
    what: string, effect: 'possible' | 'none', run: (session: ClientSession) => Promise<T>,
  ): Promise<T> {
    const session = this.startSession();
    const endMs = this.clock.monotonic() + this.deadlines.operationMs;
    const running = run(session);
    try {
      const late = (): Error => (effect === 'none'
        ? new UnavailableError(`${what}: no answer in time`) : new UnknownOutcomeError(`${what}: no answer in time`));
      const result = await this.within(running, endMs, late);
      this.remember(session);
      return result;
    } catch (error) {
      throw translate(error, what, effect);
    } finally {
      // Not before the last operation in it has settled: another user of the server's session would collide with it.
      running.then(() => undefined, () => undefined).finally(() => { this.release(session); }).catch(() => undefined);
    }
  }

  /**
   * The driver sends what still waits for a connection outside of any transaction once its session's was aborted: a
   * state without its file, say. So the abort waits for the step in work, and the caller does not wait for that: a
   * transaction that is never committed has no effect, and the server ends it by itself
   * (transactionLifetimeLimitSeconds) when it can't be told.
   */
  private async abort(session: ClientSession, body: Promise<unknown>): Promise<void> {
    const aborted = body.then(() => undefined, () => undefined)
      .then(() => session.abortTransaction())
      .catch((error: unknown) => { this.log.debug('TransactionNotAborted', { error }); })
      .finally(() => { this.release(session); });
    const endMs = this.clock.monotonic() + ABORT_WAIT_MS;
    await this.within(aborted, endMs, () => new UnavailableError('abort')).catch(() => undefined);
  }

  private release(session: ClientSession): void {
    session.endSession().catch((error: unknown) => { this.log.debug('SessionEndFailed', { error }); });
  }

  private remember(session: ClientSession): void {
    const time = session.operationTime;
    if (time !== undefined && (this.latest === undefined || time.greaterThan(this.latest))) this.latest = time;
  }

  private async within<T>(promise: Promise<T>, endMs: number, late: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = this.clock.timer(Math.max(0, endMs - this.clock.monotonic()), () => { reject(late()); });
      promise.then(
        (value) => { cancel(); resolve(value); },
        (error: unknown) => { cancel(); reject(error instanceof Error ? error : new Error(String(error))); },
      );
    });
  }
}

/** Whether an error that a transaction gave says that another one is at the same documents. */
export function isConflict(error: unknown): boolean {
  return error instanceof UnavailableError && verdictOf(error.cause) === 'conflict';
}
