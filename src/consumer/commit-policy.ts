import type { Clock } from '../clock';
import { messageOf } from '../errors';
import type { LogIndex } from '../index/ports';
import type { Log } from '../log';
import type { SettingsWatcher } from '../registry/settings';
import type { ConsumerMetrics } from './metrics';

export interface CommitPolicyOptions {
  readonly index: LogIndex;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: SettingsWatcher;
  readonly metrics: ConsumerMetrics;
}

type CommitKind = 'soft' | 'hard';

interface Pending {
  /** Documents since the last commit of either kind, and since the last hard one. */
  documents: number;
  cancelSoft: (() => void) | undefined;
  cancelHard: (() => void) | undefined;
  /** What is to be committed behind the commit in work: one at most, however many were asked for meanwhile. */
  next: CommitKind | undefined;
  committing: Promise<void> | undefined;
}

/**
 * Makes what was indexed searchable (soft commit) and durable (hard commit), a while after the first document that
 * needs it, and the latter also after many documents. Batches themselves never commit. A failed commit is
 * tried again after its time; nothing depends on it but freshness, since verification makes hard commits of its own.
 * One commit of a collection is in work at a time: an index that is slower than the timers is not given a backlog.
 */
export class CommitPolicy {
  private readonly collections = new Map<string, Pending>();
  private closed = false;

  constructor(private readonly options: CommitPolicyOptions) {}

  /** Documents were accepted by the index. */
  added(collection: string, documents: number): void {
    if (this.closed || documents === 0) return;
    const { softCommitMs, hardCommitMs, commitDocuments } = this.options.settings.current.consumer;
    const pending = this.pendingOf(collection);
    pending.documents += documents;
    if (pending.documents >= commitDocuments) {
      void this.commit(collection, 'hard');
      return;
    }
    pending.cancelSoft ??= this.options.clock.timer(softCommitMs, () => { void this.commit(collection, 'soft'); });
    pending.cancelHard ??= this.options.clock.timer(hardCommitMs, () => { void this.commit(collection, 'hard'); });
  }

  /** Commits softly what is not yet searchable and stops all timers. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.collections].map(async ([collection, pending]) => {
      const needed = pending.cancelSoft !== undefined;
      pending.cancelSoft?.();
      pending.cancelHard?.();
      if (needed) await this.run(collection, 'soft');
    }));
  }

  private pendingOf(collection: string): Pending {
    let pending = this.collections.get(collection);
    if (pending === undefined) {
      pending = { documents: 0, cancelSoft: undefined, cancelHard: undefined, next: undefined, committing: undefined };
      this.collections.set(collection, pending);
    }
    return pending;
  }

  private async commit(collection: string, kind: CommitKind): Promise<void> {
    const pending = this.pendingOf(collection);
    // A hard commit opens a searcher too.
    pending.cancelSoft?.();
    pending.cancelSoft = undefined;
    if (kind === 'hard') {
      pending.cancelHard?.();
      pending.cancelHard = undefined;
      pending.documents = 0;
    }
    pending.next = kind === 'hard' ? kind : pending.next ?? kind;
    pending.committing ??= this.commitAll(collection, pending);
    await pending.committing;
  }

  private async commitAll(collection: string, pending: Pending): Promise<void> {
    for (let kind = pending.next; kind !== undefined; kind = pending.next) {
      pending.next = undefined;
      if (!await this.run(collection, kind)) this.added(collection, 1);
    }
    // In the same step as the last look at `next`: what is asked for after it begins anew.
    pending.committing = undefined;
  }

  private async run(collection: string, kind: CommitKind): Promise<boolean> {
    const { index, log, metrics } = this.options;
    try {
      await index.commit(collection, kind);
      metrics.commits.inc({ kind, outcome: 'done' });
      return true;
    } catch (error) {
      metrics.commits.inc({ kind, outcome: 'failed' });
      log.warn('CommitFailed', { collection, kind, error: messageOf(error) });
      return false;
    }
  }
}
