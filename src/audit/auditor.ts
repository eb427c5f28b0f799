import type { Clock } from '../clock';
import { faultPoint } from '../fault-points';
import type { Random } from '../random';
import { retry } from '../retry';
import { findingOf, type Finding, type Repair, type Suspicion } from './finding';
import {
  emptyTally, KEPT_FINDINGS, type AuditRecords, type Looked, type Progress, type Report, type Stage, type Tally,
} from './ports';
import { Suspects } from './suspects';

export interface AuditorOptions {
  readonly stages: readonly Stage[];
  readonly clock: Clock;
  readonly random: Random;
  /** Whether what can be repaired is. */
  readonly repair: boolean;
  /** Given: places are kept there, and the report in the end. */
  readonly records?: AuditRecords;
  readonly onFinding?: (finding: Finding) => void;
  /** Told after each page. */
  readonly onProgress?: (stage: string, tally: Tally) => void;
  /** Time between the two looks at damage, default 20 s: what is in flight has arrived or is given up by then. */
  readonly settleMs?: number;
  readonly signal?: AbortSignal;
}

/** Index's idle time-out and a session's time-out together, as for verification. */
const SETTLE_MS = 20_000;
const READ_ATTEMPTS = 4;
/** Places are kept this often at most; a round that is taken over begins at the last one. */
const SAVE_MS = 5_000;

/**
 * One round over everything, from where the records say. Undefined when it was stopped, or somebody else goes on with
 * it; rejects with a retryable error when a part can't be reached: the next call goes on at the last place that was
 * kept.
 */
export async function runRound(options: AuditorOptions): Promise<Report | undefined> {
  const kept = await options.records?.progress();
  const stage = options.stages[0]?.name ?? '';
  const begun = kept?.progress ?? { startedMs: options.clock.now(), stage, tally: emptyTally };
  return new Round(options, begun, kept?.revision ?? 0).run();
}

class Round {
  private tally: Tally;
  private savedAt: number;
  private superseded = false;

  constructor(
    private readonly options: AuditorOptions, private readonly begun: Progress, private revision: number,
  ) {
    this.tally = begun.tally;
    this.savedAt = options.clock.monotonic();
  }

  async run(): Promise<Report | undefined> {
    const { stages, clock, records } = this.options;
    // A stage that a newer program does not have any more: the round begins anew.
    const found = stages.findIndex(({ name }) => name === this.begun.stage);
    for (const [place, stage] of stages.entries()) {
      if (place < found) continue;
      if (!await this.go(stage, place === found ? this.begun.after : undefined)) return undefined;
    }
    const report = { startedMs: this.begun.startedMs, finishedMs: clock.now(), tally: this.tally };
    if (records === undefined) return report;
    await records.saveLast(report);
    faultPoint('audit.report-kept');
    return await this.save(undefined) ? report : undefined;
  }

  /** False: stopped, or superseded. */
  private async go(stage: Stage, from: string | undefined): Promise<boolean> {
    const { clock, signal, onProgress, settleMs } = this.options;
    const suspects = new Suspects(clock, settleMs ?? SETTLE_MS);
    for (let after = from; ;) {
      if (signal?.aborted || this.superseded) return false;
      const page = await this.patiently(() => stage.page(after));
      const looked = page === undefined ? undefined : await this.patiently(() => page.look());
      if (looked !== undefined) this.count(looked);
      suspects.add(looked?.suspicions ?? []);
      const again = (subjects: readonly string[]): Promise<Looked> => this.patiently(() => stage.again(subjects));
      await this.conclude(await suspects.confirmed(again, page === undefined, signal));
      onProgress?.(stage.name, this.tally);
      if (page === undefined) break;
      ({ after } = page);
      // A place is kept only when nothing before it waits for its second look.
      if (suspects.isEmpty) await this.keep(stage, after);
    }
    return !signal?.aborted;
  }

  /** A look changes nothing: a server that is away for a moment does not end the round. */
  private patiently<T>(read: () => Promise<T>): Promise<T> {
    const { clock, random, signal } = this.options;
    return retry(read, { clock, random, attempts: READ_ATTEMPTS, ...(signal === undefined ? {} : { signal }) });
  }

  private async conclude(suspicions: readonly Suspicion[]): Promise<void> {
    for (const suspicion of suspicions) {
      const finding = findingOf(suspicion.damage, await this.mend(suspicion));
      const { findings, repaired, first } = this.tally;
      this.tally = {
        ...this.tally, findings: { ...findings, [finding.kind]: (findings[finding.kind] ?? 0) + 1 },
        repaired: repaired + (finding.repair === 'done' ? 1 : 0),
        first: first.length < KEPT_FINDINGS ? [...first, finding] : first,
      };
      this.options.onFinding?.(finding);
    }
  }

  private async mend({ repair }: Suspicion): Promise<Repair> {
    if (repair === undefined) return 'none';
    return this.options.repair && await repair() ? 'done' : 'possible';
  }

  private count({ files = 0, lines = 0, bytes = 0 }: Looked): void {
    this.tally = {
      ...this.tally, files: this.tally.files + files, lines: this.tally.lines + lines, bytes: this.tally.bytes + bytes,
    };
  }

  private async keep(stage: Stage, after: string): Promise<void> {
    if (this.options.clock.monotonic() - this.savedAt < SAVE_MS) return;
    await this.save({ startedMs: this.begun.startedMs, stage: stage.name, after, tally: this.tally });
  }

  private async save(progress: Progress | undefined): Promise<boolean> {
    const { records, clock } = this.options;
    if (records === undefined) return true;
    const saved = await records.saveProgress(progress, this.revision);
    faultPoint('audit.place-kept');
    this.savedAt = clock.monotonic();
    this.revision += 1;
    this.superseded = !saved;
    return saved;
  }
}
