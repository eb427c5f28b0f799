import { expect } from 'chai';
import type { ClientSession } from 'mongodb';
import { MongodbConnection } from '../../../src/archive/mongodb-connection';
import { ConflictError, UnavailableError, UnknownOutcomeError } from '../../../src/errors';
import { ManualClock, settle } from '../../support/manual-clock';

/** Tells what a transaction asks of its session; nothing is connected. */
class RecordingSession {
  readonly events: string[] = [];
  operationTime = undefined;
  commit: () => Promise<void> = async () => undefined;

  startTransaction(): void {
    this.events.push('start');
  }

  async abortTransaction(): Promise<void> {
    this.events.push('abort');
  }

  async commitTransaction(): Promise<void> {
    this.events.push('commit');
    await this.commit();
  }

  async endSession(): Promise<void> {
    this.events.push('end');
  }
}

describe('a transaction', () => {
  let clock: ManualClock;
  let session: RecordingSession;
  let connection: MongodbConnection;

  beforeEach(() => {
    clock = new ManualClock();
    session = new RecordingSession();
    connection = new MongodbConnection({ url: 'mongodb://[::1]:1/?replicaSet=none', database: 'none', clock });
    connection.startSession = () => session as unknown as ClientSession;
  });

  afterEach(() => connection.close());

  it('that is late is not aborted under a step that may not have been sent yet', async () => {
    // The driver sends what waits for a connection outside of any transaction once its session's was aborted: the
    // state document of a file that closing gave up would stand alone, and its lines' blocks would be removed.
    let answer: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => { answer = resolve; });
    let second = false;
    const result = connection.transaction('close', async (_session, step) => {
      await step(() => waiting);
      await step(async () => { second = true; });
    }).then(() => undefined, (error: unknown) => error);
    await clock.advance(5_500);
    expect(await result).to.be.instanceOf(UnavailableError);
    expect(session.events).to.deep.equal(['start']);
    answer();
    await settle();
    expect(second, 'no step begins once the transaction is given up').to.equal(false);
    expect(session.events).to.deep.equal(['start', 'abort', 'end']);
  });

  it('whose step fails is aborted before the caller hears of it', async () => {
    const result = connection.transaction('close', async (_session, step) => {
      await step(async () => { throw new ConflictError('exists'); });
    }).then(() => undefined, (error: unknown) => error);
    expect(await result).to.be.instanceOf(ConflictError);
    expect(session.events.slice(0, 2)).to.deep.equal(['start', 'abort']);
  });

  it('without an answer to its commit has an unknown outcome, whatever the error says', async () => {
    session.commit = async () => { throw new Error('NoSuchTransaction'); };
    const failed = await connection.transaction('close', async () => undefined).catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(UnknownOutcomeError);
    session.commit = () => new Promise(() => undefined);
    const hung = connection.transaction('close', async () => undefined).catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(await hung).to.be.instanceOf(UnknownOutcomeError);
  });
});
