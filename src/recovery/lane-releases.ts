import type { LaneStatus } from '../archive/journal';
import type { Volume } from '../archive/volume';
import { UnavailableError } from '../errors';
import { faultPoint } from '../fault-points';

type BlockFiles = ReadonlyMap<number, ReadonlySet<string>>;

/**
 * Lets a lane's blocks go, oldest first: a block only when every file with a segment in it, and in all blocks before
 * it, has a state that was read back at majority. Files of one lane close in any order, so what is in which block is
 * remembered until the blocks before it are gone; the bound on the journal's blocks bounds this too.
 */
export class LaneReleases {
  private readonly lanes = new Map<string, Map<number, ReadonlySet<string>>>();

  constructor(private readonly volume: Volume) {}

  /** Notes which files have segments in blocks that a pass read. */
  learn(lane: string, blocks: BlockFiles): void {
    const known = this.lanes.get(lane) ?? new Map<number, ReadonlySet<string>>();
    for (const [n, ids] of blocks) known.set(n, ids);
    this.lanes.set(lane, known);
  }

  /**
   * Releases the longest run of blocks whose files all have a state. `whole` names blocks whose files were all to be
   * closed: those before it that are not known yet are looked at, and UnavailableError tells that one is not closed.
   */
  async release(lane: string, whole?: { readonly fromN: number; readonly throughN: number }): Promise<void> {
    const status = await this.status(lane);
    const known = this.lanes.get(lane);
    if (status === undefined || known === undefined) {
      this.lanes.delete(lane);
      return;
    }
    const first = status.releasedThrough + 1;
    if (whole !== undefined) await this.complete(lane, known, first, whole.throughN);
    let last = first - 1;
    const ids = new Set<string>();
    for (let files = known.get(last + 1); files !== undefined; files = known.get(last + 1)) {
      for (const id of files) ids.add(id);
      last += 1;
    }
    const existing = await this.volume.states.existing([...ids]);
    let through = first - 1;
    while (through < last && [...known.get(through + 1) ?? []].every((id) => existing.has(id))) through += 1;
    // A lane that was sealed behind the release of its last block has that block left to remove.
    const over = status.sealedAt === through + 1;
    if (through >= first || over) {
      await this.volume.journal.release(lane, through);
      faultPoint('closer.blocks-released');
    }
    for (const n of [...known.keys()]) if (n <= through) known.delete(n);
    if (known.size === 0) this.lanes.delete(lane);
    if (whole !== undefined && through < whole.throughN && through + 1 >= whole.fromN) {
      throw new UnavailableError(`lane ${lane} has files in block ${through + 1} that are not closed yet`);
    }
  }

  /** Looks at the blocks of the range that no pass has read. */
  private async complete(
    lane: string, known: Map<number, ReadonlySet<string>>, first: number, last: number,
  ): Promise<void> {
    let n = first;
    while (n <= last && known.has(n)) n += 1;
    if (n > last) return;
    for await (const block of this.volume.journal.read(lane, n, last)) {
      known.set(block.n, new Set(block.segments.map(({ fileId }) => fileId)));
    }
  }

  private async status(lane: string): Promise<LaneStatus | undefined> {
    return (await this.volume.journal.unfinishedLanes()).find(({ id }) => id === lane);
  }
}
