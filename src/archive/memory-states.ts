import { FencedError, NotFoundError } from '../errors';
import { normaliseRanges, rangeLines } from './line-ranges';
import type { MemoryStore } from './memory-store';
import { isPastClosed, mayBeRemoved, mayRestart, setAsideId } from './state-rules';
import { Phase } from './states';
import type { ClosingFile, FileState, LineRanges, SetAsideLine, StateQuery, States } from './states';

export class MemoryStates implements States {
  constructor(private readonly store: MemoryStore) {}

  async close(files: readonly ClosingFile[]): ReturnType<States['close']> {
    return this.store.effect('states.close', () => {
      const existing = files.map((file) => file.state.id).filter((id) => this.store.states.has(id));
      if (existing.length > 0) return { outcome: 'conflict' as const, existing };
      for (const { description, content, state } of files) {
        this.store.files.set(state.id, { description, content: Buffer.from(content) });
        this.store.states.set(state.id, state);
      }
      return { outcome: 'closed' as const };
    });
  }

  async existing(ids: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(ids.filter((id) => this.store.states.has(id)));
  }

  async get(id: string): Promise<FileState | undefined> {
    return this.store.states.get(id);
  }

  async list(query: StateQuery): Promise<readonly FileState[]> {
    return [...this.store.states.values()].filter((state) => matches(state, query))
      .sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, query.limit);
  }

  async countClosed(limit: number): Promise<number> {
    return (await this.list({ phases: [Phase.closed], limit })).length;
  }

  async claim(id: string, nowMs: number): Promise<FileState | undefined> {
    return this.store.effect('states.claim', () => {
      const state = this.store.states.get(id);
      if (state?.phase !== Phase.closed) return state;
      return this.put({ ...state, claim: state.claim + 1, takes: (state.takes ?? 0) + 1, progressMs: nowMs });
    });
  }

  async keep(id: string, claim: number, nowMs: number): Promise<void> {
    await this.store.effect('states.keep', () => {
      const state = this.owned(id, claim);
      this.expectClosed(state);
      this.put({ ...state, progressMs: nowMs });
    });
  }

  async advance(id: string, claim: number, position: number, nowMs: number): Promise<void> {
    await this.store.effect('states.advance', () => {
      const state = this.owned(id, claim);
      if (isPastClosed(state.phase)) return;
      this.expectClosed(state);
      this.put({ ...state, position: Math.max(state.position, position), takes: 0, progressMs: nowMs });
    });
  }

  async markIndexed(id: string, claim: number, nowMs: number): Promise<void> {
    await this.store.effect('states.markIndexed', () => {
      const state = this.owned(id, claim);
      if (isPastClosed(state.phase)) return;
      this.expectClosed(state);
      this.put({ ...state, phase: Phase.indexed, position: state.lines, progressMs: nowMs });
    });
  }

  async markVerified(id: string, claim: number, tombstoneVersion: number): Promise<boolean> {
    return this.change('states.markVerified', id, (state) => (
      state.phase === Phase.indexed && state.claim === claim && state.tombstoneVersion === tombstoneVersion
        ? { ...state, phase: Phase.verified } : undefined));
  }

  async restart(id: string, fromClaim: number, nowMs: number, failure?: string): Promise<boolean> {
    return this.change('states.restart', id, (state) => (
      mayRestart(state.phase) && state.claim === fromClaim
        ? {
          ...state, phase: Phase.closed, claim: state.claim + 1, takes: 0, position: 0, progressMs: nowMs,
          queuedMs: nowMs,
          ...(failure === undefined ? {} : { attempts: state.attempts + 1, reason: failure }),
        }
        : undefined));
  }

  async countAttempt(id: string, claim: number, reason: string): Promise<number> {
    return this.store.effect('states.countAttempt', () => {
      const state = this.owned(id, claim);
      this.expectClosed(state);
      return this.put({ ...state, attempts: state.attempts + 1, reason }).attempts;
    });
  }

  async giveUp(id: string, claim: number, reason: string): Promise<void> {
    await this.store.effect('states.giveUp', () => {
      const state = this.owned(id, claim);
      if (state.phase === Phase.dead) return;
      this.expectClosed(state);
      this.put({ ...state, phase: Phase.dead, reason });
    });
  }

  async revive(id: string, nowMs: number): Promise<boolean> {
    return this.change('states.revive', id, ({ reason: _, ...state }) => (
      state.phase === Phase.dead ? {
        ...state, phase: Phase.closed, attempts: 0, claim: state.claim + 1, takes: 0, position: 0, progressMs: nowMs,
        queuedMs: nowMs,
      } : undefined));
  }

  async markQueued(
    ids: readonly { readonly id: string; readonly queuedMs: number }[], nowMs: number,
  ): Promise<readonly string[]> {
    const won: string[] = [];
    for (const { id, queuedMs } of ids) {
      const mine = await this.change('states.markQueued', id, (state) => (
        state.queuedMs === queuedMs ? { ...state, queuedMs: nowMs } : undefined));
      if (mine) won.push(id);
    }
    return won;
  }

  async bury(id: string, ranges: LineRanges): Promise<FileState> {
    return this.store.effect('states.bury', () => {
      const state = this.store.states.get(id);
      if (state === undefined) throw new NotFoundError(`file ${id} has no state`);
      const tombstones = normaliseRanges([...state.tombstones, ...ranges], state.lines);
      if (rangeLines(tombstones) === rangeLines(state.tombstones)) return state;
      return this.put({ ...state, tombstones, tombstoneVersion: state.tombstoneVersion + 1 });
    });
  }

  async removeIfEmpty(id: string, nowMs: number): Promise<boolean> {
    return this.store.effect('states.removeIfEmpty', () => {
      const state = this.store.states.get(id);
      if (state === undefined) return false;
      if (state.phase === Phase.gone) return true;
      if (!mayBeRemoved(state.phase) || rangeLines(state.tombstones) < state.lines) return false;
      this.put({ ...state, phase: Phase.gone, progressMs: nowMs });
      this.store.files.delete(id);
      return true;
    });
  }

  async forget(id: string): Promise<boolean> {
    return this.store.effect('states.forget', () => (
      this.store.states.get(id)?.phase === Phase.gone && this.store.states.delete(id)));
  }

  async setAside(line: SetAsideLine): Promise<void> {
    await this.store.effect('states.setAside', () => {
      this.store.setAside.set(setAsideId(line), line);
      this.countSetAside(line.fileId);
    });
  }

  async setAsideLines(
    query: { readonly fileId?: string; readonly after?: SetAsideLine; readonly limit: number },
  ): Promise<readonly SetAsideLine[]> {
    const after = query.after === undefined ? '' : setAsideId(query.after);
    return [...this.store.setAside].filter(([key, line]) => (
      key > after && (query.fileId === undefined || query.fileId === line.fileId)))
      .sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, query.limit).map(([, line]) => line);
  }

  async clearSetAside(fileId: string): Promise<void> {
    await this.store.effect('states.clearSetAside', () => {
      for (const [key, line] of this.store.setAside) if (line.fileId === fileId) this.store.setAside.delete(key);
      this.countSetAside(fileId);
    });
  }

  private countSetAside(fileId: string): void {
    const state = this.store.states.get(fileId);
    if (state === undefined) return;
    const setAside = [...this.store.setAside.values()].filter((line) => line.fileId === fileId).length;
    this.put({ ...state, setAside });
  }

  private owned(id: string, claim: number): FileState {
    const state = this.store.states.get(id);
    if (state?.claim !== claim) throw new FencedError(`claim ${claim} on file ${id} is over`);
    return state;
  }

  private expectClosed(state: FileState): void {
    if (state.phase !== Phase.closed) throw new FencedError(`file ${state.id} is ${state.phase}`);
  }

  private async change(
    effect: string, id: string, next: (state: FileState) => FileState | undefined,
  ): Promise<boolean> {
    return this.store.effect(effect, () => {
      const state = this.store.states.get(id);
      const changed = state === undefined ? undefined : next(state);
      if (changed !== undefined) this.put(changed);
      return changed !== undefined;
    });
  }

  private put(state: FileState): FileState {
    this.store.states.set(state.id, state);
    return state;
  }
}

function matches(state: FileState, query: StateQuery): boolean {
  return (query.phases === undefined || query.phases.includes(state.phase))
    && (query.sourceId === undefined || query.sourceId === state.sourceId)
    && (query.receivedThroughMs === undefined || state.firstReceivedMs <= query.receivedThroughMs)
    && isOutside(state.progressMs, query.progressOutsideMs)
    && isOutside(state.queuedMs, query.queuedOutsideMs)
    && (query.after === undefined || state.id > query.after);
}

function isOutside(timeMs: number, span: readonly [number, number] | undefined): boolean {
  return span === undefined || timeMs < span[0] || timeMs > span[1];
}
