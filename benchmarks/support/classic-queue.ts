import { ConflictError, NotFoundError } from '../../src/errors';
import { NodeKind, type Coordination } from '../../src/registry/coordination';

const ITEMS = '/classic/items';
const CLAIMS = '/classic/claims';
/** The oldest ones of a listing that are tried, before another one is asked for. */
const TRIED_AT_ONCE = 50;

/**
 * The reliable queue as one builds it from ZooKeeper's recipes: items are children of one node; whoever takes one makes
 * an ephemeral claim of the same name beside them, works, and removes both in one multi. To find an item that nobody
 * has claimed, all items and all claims are listed.
 */
export class ClassicQueue {
  constructor(private readonly coordination: Coordination) {}

  async prepare(): Promise<void> {
    await this.coordination.ensure(ITEMS);
    await this.coordination.ensure(CLAIMS);
  }

  async put(ids: readonly string[]): Promise<void> {
    await this.coordination.multi(ids.map((id) => ({
      type: 'create', path: `${ITEMS}/item-`, data: Buffer.from(id), kind: NodeKind.persistentSequential,
    })));
  }

  /** Takes and acknowledges one item; false when there was none, or others had all that were listed. */
  async takeOne(): Promise<boolean> {
    const names = await this.coordination.children(ITEMS);
    const claimed = new Set(await this.coordination.children(CLAIMS));
    const free = names.filter((name) => !claimed.has(name)).sort().slice(0, TRIED_AT_ONCE);
    // Not all workers shall run for the same one.
    for (const name of free.sort(() => Math.random() - 0.5)) {
      try {
        await this.coordination.create(`${CLAIMS}/${name}`, Buffer.alloc(0), NodeKind.ephemeral);
      } catch (error) {
        if (error instanceof ConflictError) continue;
        throw error;
      }
      if (await this.finish(name)) return true;
    }
    return false;
  }

  /** False: it was gone when the claim was made. */
  private async finish(name: string): Promise<boolean> {
    const claim = { type: 'remove', path: `${CLAIMS}/${name}` } as const;
    try {
      if (await this.coordination.get(`${ITEMS}/${name}`) === undefined) {
        await this.coordination.multi([claim]);
        return false;
      }
      await this.coordination.multi([{ type: 'remove', path: `${ITEMS}/${name}` }, claim]);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }
}
