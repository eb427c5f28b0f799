import type { Clock } from '../clock';
import { messageOf } from '../errors';
import type { Log } from '../log';
import type { Coordination, HeldNode, Watch } from './coordination';
import { presenceFolder, type ComponentKind } from './paths';
import type { Presence } from './ports';

export interface PresencePublisherOptions {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly log: Log;
  readonly presence: Presence;
}

const RETRY_MS = 1_000;

/**
 * Keeps a component's presence node as wanted: there while it is healthy, gone while it is not. It tries for ever,
 * so it may be started while ZooKeeper is down or the cluster not yet initialised. It says nothing of lanes: a
 * producer that is unhealthy for a while has not died.
 */
export class PresencePublisher {
  private presence: Presence;
  private wanted = false;
  private held: HeldNode | undefined;
  private written: Presence | undefined;
  private working: Promise<void> | undefined;
  private closed = false;
  private complained = false;

  constructor(private readonly options: PresencePublisherOptions) {
    this.presence = options.presence;
  }

  get isPublished(): boolean {
    return this.held !== undefined;
  }

  /** Publishes or withdraws; returns at once. */
  setHealthy(healthy: boolean): void {
    if (this.wanted === healthy) return;
    this.wanted = healthy;
    this.work();
  }

  /** Other facts, or another pid after a restart. */
  update(change: Partial<Presence>): void {
    this.presence = { ...this.presence, ...change };
    this.work();
  }

  /** Withdraws, within the deadline of the coordination. Idempotent. */
  async close(): Promise<void> {
    this.closed = true;
    this.wanted = false;
    this.work();
    await this.working;
  }

  private work(): void {
    this.working ??= this.settle().finally(() => {
      this.working = undefined;
      if (!this.isSettled() && !this.closed) this.work();
    });
  }

  private isSettled(): boolean {
    return this.wanted ? this.held !== undefined && this.written === this.presence : this.held === undefined;
  }

  private async settle(): Promise<void> {
    while (!this.isSettled()) {
      try {
        await this.step();
        this.complained = false;
      } catch (error) {
        if (this.closed) return;
        if (!this.complained) this.options.log.warn('PresenceNotPublished', { error: messageOf(error) });
        this.complained = true;
        await this.options.clock.sleep(RETRY_MS);
      }
    }
  }

  private async step(): Promise<void> {
    const { presence, held } = this;
    const { kind, member } = presence;
    if (!this.wanted) {
      // The handle may be forgotten: the coordination removes the node as soon as it can.
      this.held = undefined;
      await held?.close();
      this.options.log.info('PresenceWithdrawn', { kind, member });
      return;
    }
    const data = Buffer.from(JSON.stringify(presence));
    if (held === undefined) {
      this.held = await this.options.coordination.hold(`${presenceFolder(kind)}/${member}`, data);
      this.options.log.info('PresencePublished', { kind, member });
    } else {
      await held.update(data);
    }
    this.written = presence;
  }
}

/** The members of a kind that are present, by name. Those that can't be read are left out. */
export async function readMembers(coordination: Coordination, kind: ComponentKind): Promise<readonly Presence[]> {
  const folder = presenceFolder(kind);
  const names = [...(await coordination.children(folder))].sort();
  const contents = await Promise.all(names.map((name) => coordination.get(`${folder}/${name}`)));
  return contents.map((content) => decode(content?.data)).filter((presence) => presence !== undefined);
}

/** The members of a kind, kept up to date. */
export class MembersWatch {
  private readonly members = new Map<string, { readonly watch: Watch; presence: Presence | undefined }>();
  private readonly callbacks = new Set<(members: readonly Presence[]) => void>();
  private readonly watch: Watch;
  private readonly folder: string;
  /** The current ones, as long as nothing changes: a producer asks at every request. */
  private known: readonly Presence[] | undefined;
  /** Resolves when the members' names are known and each was read once. */
  readonly ready: Promise<void>;

  constructor(private readonly coordination: Coordination, kind: ComponentKind) {
    this.folder = presenceFolder(kind);
    this.watch = coordination.watchChildren(this.folder, (names) => { this.onNames(names ?? []); });
    this.ready = this.watch.ready.then(async () => {
      await Promise.all([...this.members.values()].map((member) => member.watch.ready.catch(() => undefined)));
    });
    this.ready.catch(() => undefined);
  }

  get current(): readonly Presence[] {
    this.known ??= [...this.members]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, member]) => member.presence)
      .filter((presence) => presence !== undefined);
    return this.known;
  }

  onChange(callback: (members: readonly Presence[]) => void): () => void {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }

  close(): void {
    this.watch.close();
    for (const member of this.members.values()) member.watch.close();
    this.members.clear();
    this.known = undefined;
    this.callbacks.clear();
  }

  private onNames(names: readonly string[]): void {
    let removed = false;
    for (const [name, member] of this.members) {
      if (names.includes(name)) continue;
      member.watch.close();
      this.members.delete(name);
      removed = true;
    }
    for (const name of names) if (!this.members.has(name)) this.add(name);
    if (removed) this.tell();
  }

  private add(name: string): void {
    const watch = this.coordination.watchContent(`${this.folder}/${name}`, (content) => {
      const member = this.members.get(name);
      if (member?.watch !== watch) return;
      member.presence = decode(content?.data);
      this.tell();
    });
    this.members.set(name, { watch, presence: undefined });
  }

  private tell(): void {
    this.known = undefined;
    const { current } = this;
    for (const callback of [...this.callbacks]) callback(current);
  }
}

function decode(data: Buffer | undefined): Presence | undefined {
  if (data === undefined) return undefined;
  try {
    const presence = JSON.parse(data.toString('utf8')) as Presence;
    return typeof presence.address === 'string' && typeof presence.kind === 'string' ? presence : undefined;
  } catch {
    return undefined;
  }
}
