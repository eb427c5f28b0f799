import type { JournalEntry, RecordedLane } from '../archive/journal';
import type { Volume } from '../archive/volume';
import type { AuditContext } from './context';
import type { Damage, Suspicion } from './finding';
import type { Pace } from './pace';
import type { Looked, Stage } from './ports';
import { releaseAgain } from './repairs';

const LANES = 100;
const ENTRIES = 1_000;

/**
 * The journal against its lanes. Above what was released a lane has each number up to its highest: one write is in
 * flight at a time. A lane that is over ends with its seal and has no other block, but those that were set aside.
 * Whoever releases or seals the lane while it is read changes its record: then nothing is said of it.
 */
export function journalStage({ pace }: AuditContext, volume: Volume): Stage {
  const look = async (lanes: readonly string[]): Promise<Looked> => {
    const suspicions: Suspicion[] = [];
    for (const lane of lanes) suspicions.push(...await inspect(volume, lane, pace));
    return { suspicions };
  };
  return {
    name: `journal ${volume.name}`,
    page: async (after) => {
      const lanes = await volume.journal.lanesWithEntries(after, LANES);
      const last = lanes.at(-1);
      return last === undefined ? undefined : { after: last, look: () => look(lanes) };
    },
    again: look,
  };
}

async function inspect(volume: Volume, lane: string, pace: Pace): Promise<readonly Suspicion[]> {
  const { journal } = volume;
  const record = await journal.findLane(lane);
  const inspection = new LaneInspection(volume, lane, record, pace);
  for (let from = 0; ;) {
    const entries = await journal.entries(lane, from, ENTRIES);
    for (const entry of entries) await inspection.take(entry);
    const last = entries.at(-1);
    if (last === undefined || entries.length < ENTRIES) break;
    from = last.n + 1;
  }
  if (record !== undefined && !record.finished) await inspection.readBlocks(record.releasedThrough + 1);
  const suspicions = inspection.end();
  if (suspicions.length === 0) return suspicions;
  return versionOf(await journal.findLane(lane)) === versionOf(record) ? suspicions : [];
}

function versionOf(record: RecordedLane | undefined): string {
  return record === undefined ? 'none' : `${record.releasedThrough}/${record.sealedAt ?? 'open'}/${record.finished}`;
}

class LaneInspection {
  private readonly suspicions: Suspicion[] = [];
  private last: JournalEntry | undefined;
  /** Number that the next block above what was released should have. */
  private next: number;
  private entries = 0;

  constructor(
    private readonly volume: Volume, private readonly lane: string, private readonly record: RecordedLane | undefined,
    private readonly pace: Pace,
  ) {
    this.next = (record?.releasedThrough ?? -1) + 1;
  }

  async take(entry: JournalEntry): Promise<void> {
    this.entries += 1;
    this.last = entry;
    if (this.record === undefined) return;
    if (entry.setAside !== undefined) this.tell('block-set-aside', entry.n, entry.setAside);
    if (entry.n <= this.record.releasedThrough) {
      if (this.record.finished && !entry.seal && entry.setAside === undefined) await this.left(entry.n, this.record);
      return;
    }
    if (entry.n !== this.next) this.tell('block-missing', this.next, `the next one is block ${entry.n}`);
    this.next = entry.n + 1;
  }

  /** Blocks whose files are not closed yet. */
  async readBlocks(from: number): Promise<void> {
    for await (const block of this.volume.journal.read(this.lane, from, Number.MAX_SAFE_INTEGER)) {
      await this.pace.bytes(block.data.length);
      const known = this.suspicions.some(({ damage, version }) => (
        damage.kind === 'block-set-aside' && version.startsWith(`${block.n} `)));
      if (block.corrupt && !known) this.tell('block-corrupt', block.n, 'it does not match its hash');
    }
  }

  end(): readonly Suspicion[] {
    const { record, last } = this;
    if (record === undefined) {
      if (this.entries > 0) this.tell('lane-unknown', last?.n ?? 0, `${this.entries} blocks of a lane that was never opened`);
    } else if (record.sealedAt !== undefined && (last?.seal !== true || last.n !== record.sealedAt)) {
      this.tell('seal-missing', record.sealedAt, `the lane was sealed at ${record.sealedAt}, its highest is ${last?.n ?? 'nothing'}`);
    }
    return this.suspicions;
  }

  private async left(n: number, record: RecordedLane): Promise<void> {
    const ids = new Set<string>();
    for await (const block of this.volume.journal.read(this.lane, n, n)) {
      if (block.corrupt) {
        this.tell('block-orphaned', n, 'its lane is over, and it can\'t be read');
        return;
      }
      for (const { fileId } of block.segments) ids.add(fileId);
    }
    const existing = await this.volume.states.existing([...ids]);
    const orphan = [...ids].find((id) => !existing.has(id));
    // The state of a file that has gone is dropped after a day; then nobody can tell any more.
    if (orphan !== undefined) this.tell('block-orphaned', n, `its lane is over, and its file ${orphan} has no state`);
    else {
      this.tell('block-left', n, 'its lane is over and its files are closed',
        () => releaseAgain(this.volume, this.lane, record.releasedThrough));
    }
  }

  private tell(kind: Damage['kind'], n: number, detail: string, repair?: () => Promise<boolean>): void {
    this.suspicions.push({
      damage: { kind, volume: this.volume.name, lane: this.lane, detail: `block ${n}: ${detail}` },
      subject: this.lane, version: `${n} ${versionOf(this.record)}`, ...(repair === undefined ? {} : { repair }),
    });
  }
}
