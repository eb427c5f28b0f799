import { buildBlock } from '../../src/archive/block-format';
import { containsLine } from '../../src/archive/line-ranges';
import type { MemoryVolume } from '../../src/archive/memory-volume';
import { Phase, type FileState } from '../../src/archive/states';
import { runRound } from '../../src/audit/auditor';
import type { Finding, FindingKind } from '../../src/audit/finding';
import type { Report } from '../../src/audit/ports';
import { stagesOf } from '../../src/audit/stages';
import type { IndexDocument } from '../../src/index/ports';
import type { MemoryIndex } from '../../src/index/memory-index';
import { auditContext } from '../../src/process/audit';
import { decodeItem } from '../../src/queue/layout';
import { paths } from '../../src/registry/paths';
import type { MemoryTree } from '../../src/registry/memory-tree';
import { Node, type Surroundings } from './node';

const PAUSE_MS = 5_000;
/** What blocks that were made unreadable, and lines that fail for ever, leave for people. */
const OF_TROUBLE: ReadonlySet<FindingKind> = new Set([
  'lines-lost', 'block-set-aside', 'block-corrupt', 'file-given-up',
]);

/** What the audit said that is not so; and what it found that is. */
export class AuditFindings {
  readonly wrong: string[] = [];
  readonly right: Finding[] = [];

  constructor(
    private readonly volume: MemoryVolume, private readonly tree: MemoryTree, private readonly isHostile: boolean,
  ) {}

  /** Files of which lines were sent to the index after they were deleted. */
  readonly resurrected = new Set<string>();
  /** Once damage was planted, all sorts are to be found. */
  isDamaged = false;

  take(finding: Finding): void {
    if (this.isDamaged || this.isTrue(finding)) this.right.push(finding);
    else this.wrong.push(`the audit says ${finding.kind} of ${finding.fileId ?? finding.lane ?? finding.item ?? ''}: ${finding.detail}`);
  }

  private isTrue({ kind, fileId, repair }: Finding): boolean {
    if (this.isHostile && OF_TROUBLE.has(kind)) return true;
    // Who slept right before sending sent what had been deleted since: the index can't be fenced.
    if (kind === 'lines-buried') return fileId !== undefined && this.resurrected.has(fileId);
    // Whoever died between noting that it queues the file and doing so left it; the recoverer comes to it, but late.
    if (kind !== 'file-not-queued' || fileId === undefined) return false;
    return repair === 'done' || (this.volume.store.states.get(fileId)?.phase === Phase.closed && !this.isQueued(fileId));
  }

  /** A line is sent to the index. */
  sent(fileId: string, line: number): void {
    if (containsLine(this.volume.store.states.get(fileId)?.tombstones ?? [], line)) this.resurrected.add(fileId);
  }

  private isQueued(fileId: string): boolean {
    const { tree } = this;
    const buckets = tree.children(paths.queueBuckets) ?? [];
    return buckets.some((bucket) => (tree.children(`${paths.queueBuckets}/${bucket}/items`) ?? []).some((name) => {
      const data = tree.get(`${paths.queueBuckets}/${bucket}/items/${name}`)?.data;
      return data !== undefined && decodeItem(data).includes(fileId);
    }));
  }
}

/** Audits without an end, and repairs. */
export class AuditorNode extends Node {
  /** Rounds that ended. */
  reports = 0;

  constructor(name: string, around: Surroundings, private readonly findings: AuditFindings) {
    super(name, around);
    void this.run();
  }

  override stop(): Promise<void> {
    return Promise.resolve();
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      await this.round().then((report) => { if (report !== undefined) this.reports += 1; }, () => undefined);
      await this.options.clock.sleep(PAUSE_MS);
    }
  }

  private round(): Promise<Report | undefined> {
    const { coordination, volume, index, options } = this;
    const { signal } = new AbortController();
    const context = auditContext({
      ...options, coordination, volumes: [volume], index, attended: true, fullSpeed: true, signal,
    });
    return runRound({
      ...options, stages: stagesOf(context), records: volume.audits, repair: true,
      onFinding: (finding) => { this.findings.take(finding); },
    });
  }
}

const HOUR_MS = 3_600_000;

/** Damages a cluster at rest in every way that the audit can repair. Undefined: it has too few files. */
export async function plantDamage(
  { store, journal }: MemoryVolume, index: MemoryIndex, collection: string, nowMs: number,
  mayDate: boolean,
): Promise<ReadonlySet<FindingKind> | undefined> {
  const files = [...store.states.values()].filter(({ phase, lines, tombstones }) => (
    phase === Phase.verified && lines > 0 && tombstones.length === 0));
  const [one, two, three] = files;
  if (one === undefined || two === undefined || three === undefined) return undefined;
  const kinds = new Set<FindingKind>();
  await index.removeIds(collection, [`${one.id}!0`]);
  kinds.add('lines-missing');
  await index.add(collection, [strange(two, `${two.id}!${two.lines}`), strange({ ...two, id: 'f'.repeat(24) }, 'x')]);
  kinds.add('lines-alien').add('documents-without-file');
  await index.commit(collection, 'hard');
  // Its item was lost, and the recoverer has looked at it not long ago.
  store.states.set(three.id, {
    ...three, phase: Phase.closed, claim: three.claim + 1, position: 0, queuedMs: nowMs - HOUR_MS / 6,
    progressMs: nowMs - HOUR_MS * 10,
  });
  // The recoverer's clock may be wrong, and let it come sooner.
  if (mayDate) kinds.add('file-not-queued');
  const lane = [...store.lanes.values()].find(({ finished, sealedAt }) => finished && (sealedAt ?? 0) > 0);
  if (lane !== undefined && store.states.has(one.id)) {
    const source = { id: one.sourceId, name: one.sourceName, indexed: true, timeZone: 'UTC' };
    const piece = { fileId: one.id, source, lines: 1, raw: Buffer.from('x\n'), receivedMs: 1 };
    await journal.insert([await buildBlock(lane.record.id, (lane.sealedAt ?? 1) - 1, [piece])]);
    kinds.add('block-left');
  }
  return kinds;
}

function strange({ id: fileId, sourceId, sourceName }: Pick<FileState, 'id' | 'sourceId' | 'sourceName'>, id: string): IndexDocument {
  return {
    id, fileId, line: 0, sourceId, source: sourceName, dateMs: 1, receivedMs: 1, text: 'strange', truncated: false,
    found: '', definitions: 'v1',
  };
}
