import type { Clock } from '../clock';
import { messageOf } from '../errors';
import type { Log } from '../log';
import type { Coordination, NodeContent, SessionState, Watch } from './coordination';
import { decodeKeyChanges, keysChangedSince } from './key-changes';
import { paths } from './paths';
import type { KeyDirectory, KeyOrigin, KeyVerdict, Source } from './ports';
import { decodeSource } from './source-document';

export interface KeyDirectoryOptions {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly log: Log;
  /** Seconds without contact to the registry after which nothing that is known counts. Read at each look-up. */
  readonly graceSeconds: () => number;
}

const UNKNOWN_TTL_MS = 2_000;
const UNKNOWN_MAX = 10_000;
/** Reads of unknown keys at once; more are put off, so that guessers cost the registry little. */
const READS_MAX = 32;
/** A key may be so new that the server which we ask does not have it yet. */
const SECOND_LOOK_MS = 200;
const RETRY_MS = 500;
/** Comparison of the keys' names with the cache, for changes made by other means: one packet. */
const AUDIT_MS = 60_000;
/** Changes that are known of and not yet read count as contact lost after this. */
const CATCH_UP_MS = 10_000;

/**
 * All declared keys, in memory. One node is watched, whose content tells which keys changed: revoking a key costs
 * each process one event and two reads, whether there are ten sources or ten thousand, and a look-up of a known
 * key costs the registry nothing. Everything is read again after each reconnect. A key is `unknown` only when a
 * reliable answer says so; whatever is in doubt is `unavailable`.
 */
export class WatchedKeyDirectory implements KeyDirectory {
  private readonly sources = new Map<string, Source>();
  /** Keys that the registry did not know, and until when that is believed. */
  private readonly unknown = new Map<string, number>();
  private readonly reads = new Map<string, Promise<boolean>>();
  private loaded = false;
  private generation = -1;
  /** Whose keys these are: another cluster, or a node made anew, means that the registry was wiped or restored. */
  private identity: string | undefined;
  private staleSinceMs: number | undefined;
  private loadAll = true;
  private readonly toRead = new Set<string>();
  private readonly removalCallbacks = new Set<(sourceId: string) => void>();
  private working = false;
  private closed = false;
  private readonly watch: Watch;
  private readonly unsubscribe: () => void;
  private cancelAudit: () => void = () => undefined;
  private announce: () => void = () => undefined;
  /** Resolves when all keys were read for the first time. */
  readonly ready = new Promise<void>((resolve) => { this.announce = resolve; });

  constructor(private readonly options: KeyDirectoryOptions) {
    const { coordination } = options;
    this.staleSinceMs = options.clock.monotonic();
    this.unsubscribe = coordination.onState((state) => { this.onState(state); });
    this.watch = coordination.watchContent(paths.keys, (content) => { this.onChanges(content); });
    this.scheduleAudit();
  }

  /** Calls back with the id of each source whose last key is gone, until the returned function is called. */
  onSourceRemoved(callback: (sourceId: string) => void): () => void {
    this.removalCallbacks.add(callback);
    return () => this.removalCallbacks.delete(callback);
  }

  lookUp(key: string, via: KeyOrigin): KeyVerdict | Promise<KeyVerdict> {
    if (!/^[0-9a-f]{64}$/.test(key)) return { verdict: 'unknown' };
    if (!this.isReliable()) return unavailable(5);
    const source = this.sources.get(key);
    if (source !== undefined) return this.judge(source, key, via);
    const nowMs = this.options.clock.monotonic();
    if ((this.unknown.get(key) ?? 0) > nowMs) return { verdict: 'unknown' };
    if (this.options.coordination.state !== 'connected') return unavailable(5);
    let read = this.reads.get(key);
    if (read === undefined) {
      if (this.reads.size >= READS_MAX) return unavailable(1);
      read = this.readUnknown(key).finally(() => this.reads.delete(key));
      this.reads.set(key, read);
    }
    return read.then((answered) => (answered ? this.judgeRead(key, via) : unavailable(1)));
  }

  /** Number of keys known. */
  get size(): number {
    return this.sources.size;
  }

  close(): void {
    this.closed = true;
    this.cancelAudit();
    this.unsubscribe();
    this.watch.close();
  }

  private isReliable(): boolean {
    if (!this.loaded) return false;
    if (this.staleSinceMs === undefined) return true;
    const graceMs = this.options.graceSeconds() * 1_000;
    const allowedMs = this.options.coordination.state === 'connected' ? Math.max(graceMs, CATCH_UP_MS) : graceMs;
    return this.options.clock.monotonic() - this.staleSinceMs < allowedMs;
  }

  private judge(source: Source, key: string, via: KeyOrigin): KeyVerdict {
    const expiresAt = source.keys.find((candidate) => candidate.key === key)?.expiresAt;
    if (expiresAt !== undefined && Date.parse(expiresAt) <= this.options.clock.now()) return { verdict: 'unknown' };
    if (!source.enabled) return { verdict: 'disabled', source };
    if (source.certificateOnly && via !== 'certificate') return { verdict: 'certificate-required', source };
    return { verdict: 'known', source };
  }

  /** False when the registry gave no answer. */
  private async readUnknown(key: string): Promise<boolean> {
    try {
      await this.read(key);
      if (!this.sources.has(key)) {
        await this.options.clock.sleep(SECOND_LOOK_MS);
        await this.read(key);
      }
      return true;
    } catch (error) {
      this.options.log.debug('KeyReadFailed', { error: messageOf(error) });
      return false;
    }
  }

  private judgeRead(key: string, via: KeyOrigin): KeyVerdict {
    const source = this.sources.get(key);
    if (source !== undefined) return this.judge(source, key, via);
    if (!this.isReliable()) return unavailable(5);
    if (this.unknown.size >= UNKNOWN_MAX) this.unknown.clear();
    this.unknown.set(key, this.options.clock.monotonic() + UNKNOWN_TTL_MS);
    return { verdict: 'unknown' };
  }

  private onState(state: SessionState): void {
    const { clock, coordination } = this.options;
    if (state === 'connected') {
      this.loadAll = true;
      void this.work();
    } else {
      this.staleSinceMs ??= clock.monotonic() - coordination.silentMs();
    }
  }

  private onChanges(content: NodeContent | undefined): void {
    if (content === undefined) {
      this.distrust('it has no keys: the cluster is not initialised, or was wiped');
      return;
    }
    const identity = identityOf(content);
    this.identity ??= identity;
    if (identity !== this.identity) {
      this.distrust('its keys were made anew: it was wiped or restored; restart the process once that is right');
      return;
    }
    const changes = decodeKeyChanges(content.data);
    const keys = this.generation < 0 ? undefined : keysChangedSince(changes, this.generation);
    this.generation = changes.generation;
    if (keys === undefined) this.loadAll = true;
    else for (const key of keys) this.toRead.add(key);
    void this.work();
  }

  /** Nothing is known any more: every look-up is `unavailable`, so that no sender drops lines. */
  private distrust(problem: string): void {
    this.options.log.error('RegistryNotTrusted', { problem });
    this.loaded = false;
    this.sources.clear();
  }

  /** Reads what has to be read, until there is nothing left and the registry was in reach all the time. */
  private async work(): Promise<void> {
    if (this.working || this.closed) return;
    this.working = true;
    const { clock, coordination, log } = this.options;
    this.staleSinceMs ??= clock.monotonic();
    while ((this.loadAll || this.toRead.size > 0) && !this.isClosed()) {
      try {
        if (this.loadAll) await this.readAll();
        else await this.readSome();
      } catch (error) {
        log.warn('KeysNotRead', { error: messageOf(error) });
        await clock.sleep(RETRY_MS);
      }
    }
    this.working = false;
    if (coordination.state === 'connected') this.staleSinceMs = undefined;
  }

  private isClosed(): boolean {
    return this.closed;
  }

  private async readAll(): Promise<void> {
    if (this.identity === undefined) await this.watch.ready;
    this.loadAll = false;
    try {
      const root = await this.options.coordination.get(paths.keys);
      if (root === undefined || identityOf(root) !== this.identity) return;
      const keys = await this.options.coordination.children(paths.keys);
      const present = new Set(keys);
      for (const key of [...this.sources.keys()]) if (!present.has(key)) this.forget(key);
      await Promise.all(keys.map((key) => this.read(key)));
    } catch (error) {
      this.loadAll = true;
      throw error;
    }
    if (!this.loaded) this.options.log.info('KeysLoaded', { keys: this.sources.size });
    this.loaded = true;
    this.announce();
  }

  private async readSome(): Promise<void> {
    const keys = [...this.toRead];
    await Promise.all(keys.map(async (key) => {
      this.toRead.delete(key);
      try {
        await this.read(key);
      } catch (error) {
        this.toRead.add(key);
        throw error;
      }
    }));
  }

  private async read(key: string): Promise<void> {
    const path = `${paths.keys}/${key}/options`;
    const content = await this.options.coordination.get(path);
    if (content === undefined) {
      this.forget(key);
      return;
    }
    try {
      this.sources.set(key, decodeSource(content.data, path));
      this.unknown.delete(key);
    } catch (error) {
      this.sources.delete(key);
      this.options.log.error('SourceNotUnderstood', { path, problem: messageOf(error) });
    }
  }

  private forget(key: string): void {
    const source = this.sources.get(key);
    this.sources.delete(key);
    if (source === undefined || [...this.sources.values()].some(({ id }) => id === source.id)) return;
    for (const callback of [...this.removalCallbacks]) callback(source.id);
  }

  private scheduleAudit(): void {
    this.cancelAudit = this.options.clock.timer(AUDIT_MS, () => {
      void this.audit().finally(() => { if (!this.closed) this.scheduleAudit(); });
    });
  }

  private async audit(): Promise<void> {
    if (!this.loaded || this.options.coordination.state !== 'connected') return;
    try {
      const keys = new Set(await this.options.coordination.children(paths.keys));
      for (const key of this.sources.keys()) if (!keys.has(key)) this.toRead.add(key);
      for (const key of keys) if (!this.sources.has(key)) this.toRead.add(key);
      await this.work();
    } catch (error) {
      this.options.log.debug('KeyAuditFailed', { error: messageOf(error) });
    }
  }
}

/** The transaction alone does not tell: two new servers count alike. */
function identityOf(root: NodeContent): string {
  return `${decodeKeyChanges(root.data).clusterId} ${root.stat.createdZxid}`;
}

function unavailable(retryAfterSeconds: number): KeyVerdict {
  return { verdict: 'unavailable', retryAfterSeconds };
}
