import type { Clock } from '../clock';
import { messageOf } from '../errors';
import { faultPoint } from '../fault-points';
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

interface Pending {
  /** Documents since the last commit. */
  documents: number;
  cancel: (() => void) | undefined;
  /** Asked for behind the commit in work: one at most, however often. */
  again: boolean;
  committing: Promise<void> | undefined;
}

/**
 * Makes what was indexed durable by a hard commit, a while after the first document that needs it, or after many
 * documents. (That it becomes searchable, the index sees to: batches say within which time.) A failed commit is
 * tried again after its time; nothing depends on it, since verification makes hard commits of its own. One commit
 * of a collection is in work at a time: an index that is slower than the timers is not given a backlog.
 */
export class CommitPolicy {
  private readonly collections = new Map<string, Pending>();
  private closed = false;

  constructor(private readonly options: CommitPolicyOptions) {}

  /** Documents were accepted by the index. */
  added(collection: string, documents: number): void {
    if (this.closed || documents === 0) return;
    const { hardCommitMs, commitDocuments } = this.options.settings.current.consumer;
    const pending = this.pendingOf(collection);
    pending.documents += documents;
    if (pending.documents >= commitDocuments) void this.commit(collection);
    else pending.cancel ??= this.options.clock.timer(hardCommitMs, () => { void this.commit(collection); });
  }

  /** Stops all timers. Whoever verifies commits what is left. */
  close(): void {
    this.closed = true;
    for (const pending of this.collections.values()) pending.cancel?.();
  }

  private pendingOf(collection: string): Pending {
    let pending = this.collections.get(collection);
    if (pending === undefined) {
      pending = { documents: 0, cancel: undefined, again: false, committing: undefined };
      this.collections.set(collection, pending);
    }
    return pending;
  }

  private async commit(collection: string): Promise<void> {
    const pending = this.pendingOf(collection);
    pending.cancel?.();
    pending.cancel = undefined;
    pending.documents = 0;
    pending.again = true;
    pending.committing ??= this.commitAll(collection, pending);
    await pending.committing;
  }

  private async commitAll(collection: string, pending: Pending): Promise<void> {
    while (pending.again) {
      pending.again = false;
      if (!await this.run(collection)) this.added(collection, 1);
    }
    // In the same step as the last look at `again`: what is asked for after it begins anew.
    pending.committing = undefined;
  }

  private async run(collection: string): Promise<boolean> {
    const { index, log, metrics } = this.options;
    try {
      await index.commit(collection, 'hard');
      faultPoint('consumer.index-committed');
      metrics.commits.inc({ outcome: 'done' });
      return true;
    } catch (error) {
      metrics.commits.inc({ outcome: 'failed' });
      log.warn('CommitFailed', { collection, error: messageOf(error) });
      return false;
    }
  }
}
