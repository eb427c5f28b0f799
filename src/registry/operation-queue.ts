import type { Clock } from '../clock';
import { UnavailableError, UnknownOutcomeError } from '../errors';
import { LinkLostError, type SessionLink } from './session-link';

export interface OperationQueueOptions {
  readonly clock: Clock;
  /** Time in ms within which every operation settles. */
  readonly deadlineMs: number;
  /** Most operations sent and not yet answered. */
  readonly maxInFlight: number;
  /** Most operations that wait to be sent; more are refused. */
  readonly maxWaiting: number;
}

export type Effect = 'read' | 'write';

interface Waiting {
  send(link: SessionLink): Promise<void>;
  fail(error: Error): void;
  settled: boolean;
}

/**
 * Operations that wait for a connection or for room in it. Says for each whether it was certainly not done
 * (UnavailableError) or may have been (UnknownOutcomeError: sent, no answer). Urgent ones go first: what restores
 * a session goes before what came while there was none.
 */
export class OperationQueue {
  private urgent: Waiting[] = [];
  private waiting: Waiting[] = [];
  private inFlight = 0;
  private link: SessionLink | undefined;
  private closed: Error | undefined;

  constructor(private readonly options: OperationQueueOptions) {}

  submit<T>(effect: Effect, what: string, call: (link: SessionLink) => Promise<T>, urgent = false): Promise<T> {
    if (this.closed !== undefined) return Promise.reject(this.closed);
    if (!urgent && this.waiting.length >= this.options.maxWaiting) {
      return Promise.reject(new UnavailableError(`${what}: ${this.options.maxWaiting} operations wait for ZooKeeper`));
    }
    return new Promise<T>((resolve, reject) => {
      let sent = false;
      const item: Waiting = {
        settled: false,
        send: async (link) => {
          sent = true;
          try {
            const result = await call(link);
            settle(() => { resolve(result); });
          } catch (error) {
            item.fail(error instanceof LinkLostError ? lost(effect, what, error) : (error as Error));
          }
        },
        fail: (error) => { settle(() => { reject(error); }); },
      };
      const settle = (outcome: () => void): void => {
        if (item.settled) return;
        item.settled = true;
        cancel();
        outcome();
      };
      const cancel = this.options.clock.timer(this.options.deadlineMs, () => {
        const error = new Error(`no answer within ${this.options.deadlineMs} ms`);
        item.fail(sent ? lost(effect, what, error) : unavailable(what, error));
        this.dropSettled();
      });
      (urgent ? this.urgent : this.waiting).push(item);
      this.pump();
    });
  }

  /** The link is connected: what waits is sent. */
  resume(link: SessionLink): void {
    this.link = link;
    this.pump();
  }

  /** There is no connection: what is submitted waits. */
  suspend(): void {
    this.link = undefined;
  }

  /** Fails what waits; later operations are refused. */
  close(error: Error): void {
    this.closed = error;
    this.link = undefined;
    const items = [...this.urgent, ...this.waiting];
    this.urgent = [];
    this.waiting = [];
    for (const item of items) item.fail(error);
  }

  private pump(): void {
    while (this.link?.accepts() && this.inFlight < this.options.maxInFlight) {
      const item = this.urgent.shift() ?? this.waiting.shift();
      if (item === undefined) return;
      if (item.settled) continue;
      this.inFlight += 1;
      void item.send(this.link).finally(() => {
        this.inFlight -= 1;
        this.pump();
      });
    }
  }

  /** Items whose deadline passed leave at once, so that they count no longer. */
  private dropSettled(): void {
    if (this.waiting[0]?.settled) this.waiting = this.waiting.filter((item) => !item.settled);
    if (this.urgent[0]?.settled) this.urgent = this.urgent.filter((item) => !item.settled);
  }
}

function lost(effect: Effect, what: string, cause: Error): Error {
  return effect === 'read' ? unavailable(what, cause) : new UnknownOutcomeError(`${what}: ${cause.message}`, { cause });
}

function unavailable(what: string, cause: Error): Error {
  return new UnavailableError(`ZooKeeper is out of reach (${what}: ${cause.message})`, {
    cause,
    remedy: 'see whether its members run and have a quorum; of the local cluster: `make status`',
  });
}
