import { containsLine } from '../../src/archive/line-ranges';
import type { MemoryVolume } from '../../src/archive/memory-volume';
import { setAsideId } from '../../src/archive/state-rules';
import { Phase, type States } from '../../src/archive/states';
import { decodeItem } from '../../src/queue/layout';
import type { MultiOperation } from '../../src/registry/coordination';
import type { MemoryTree } from '../../src/registry/memory-tree';

const ITEM = /\/items\/item-/;

/**
 * What has to hold at each step and not only in the end, since what breaks it may be mended later by another rule:
 * Position never passes a line that the index does not have for this turn of indexing, and no item leaves the queue
 * before all that it names is indexed.
 */
export class Invariants {
  readonly violations: string[] = [];
  /** Lines that closed files said to be missing, also of those that were deleted since. */
  gapLines = 0;
  /** Lines of a file that the index accepted since it was closed, or was to be indexed from its start again. */
  private readonly acceptedLines = new Map<string, Set<number>>();
  /** Files whose indexing has ended at some time, or was given up. */
  private readonly ended = new Set<string>();

  watch(volume: MemoryVolume, tree: MemoryTree): void {
    const { states } = volume;
    const afterwards = <K extends keyof States>(method: K, then: (id: string, result: unknown) => void): void => {
      const original = (states[method] as (...args: unknown[]) => Promise<unknown>).bind(states);
      Object.assign(states, {
        [method]: async (...args: unknown[]): Promise<unknown> => {
          const result = await original(...args);
          then(String(args[0]), result);
          return result;
        },
      });
    };
    afterwards('advance', (id) => { this.checkPosition(volume, id); });
    afterwards('markIndexed', (id) => { this.checkPosition(volume, id); });
    afterwards('giveUp', (id) => { this.ended.add(id); });
    afterwards('restart', (id, done) => { if (done === true) this.acceptedLines.delete(id); });
    afterwards('revive', (id, done) => { if (done === true) this.acceptedLines.delete(id); });
    const close = states.close.bind(states);
    states.close = async (files) => {
      const result = await close(files);
      if (result.outcome === 'closed') for (const { description } of files) this.gapLines += description.gapLines;
      return result;
    };
    const multi = tree.multi.bind(tree);
    tree.multi = (operations, session) => {
      const removed = this.removedFiles(tree, operations);
      const result = multi(operations, session);
      this.checkAcknowledged(volume, removed);
      return result;
    };
  }

  accepted(fileId: string, line: number): void {
    const lines = this.acceptedLines.get(fileId);
    if (lines === undefined) this.acceptedLines.set(fileId, new Set([line]));
    else lines.add(line);
  }

  private checkPosition({ store }: MemoryVolume, id: string): void {
    const state = store.states.get(id);
    if (state === undefined) return;
    if (state.phase !== Phase.closed) this.ended.add(id);
    const accepted = this.acceptedLines.get(id);
    for (let line = 0; line < state.position; line += 1) {
      const isThere = accepted?.has(line) === true || store.setAside.has(setAsideId({ fileId: id, line }))
        || containsLine(state.tombstones, line);
      if (isThere) continue;
      this.violations.push(`Position ${state.position} of ${id} is beyond line ${line}, which the index does not have`);
      return;
    }
  }

  /** Files that the queue does not name any more when these are done. */
  private removedFiles(tree: MemoryTree, operations: readonly MultiOperation[]): readonly string[] {
    const named = (data: Buffer | undefined): readonly string[] => (data === undefined ? [] : decodeItem(data));
    const kept = operations.flatMap((part) => (part.type === 'create' && ITEM.test(part.path) ? named(part.data) : []));
    const removed = operations.flatMap((part) => (
      part.type === 'remove' && ITEM.test(part.path) ? named(tree.get(part.path)?.data) : []));
    return removed.filter((id) => !kept.includes(id));
  }

  private checkAcknowledged({ store }: MemoryVolume, removed: readonly string[]): void {
    for (const id of removed) {
      const state = store.states.get(id);
      if (state === undefined || state.phase !== Phase.closed || this.ended.has(id)) continue;
      this.violations.push(`the queue does not name ${id} any more, which is not indexed`);
    }
  }
}
