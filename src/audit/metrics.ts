import { Counter, Gauge, type Registry } from 'prom-client';
import type { Finding } from './finding';
import type { Report, Tally } from './ports';

export interface AuditMetrics {
  /** What the last round over everything found, whichever consumer ended it. */
  show(last: Report | undefined): void;
  found(finding: Finding): void;
  /** Of a round in work here. */
  went(tally: Tally): void;
  inWork(working: boolean): void;
}

const MS_A_SECOND = 1_000;

/** The audit's figures, in the given registry. */
export function createAuditMetrics(registry: Registry): AuditMetrics {
  const registers = [registry];
  const findings = new Gauge({
    name: 'resilog_audit_findings', help: 'Damage that the last whole round found, by kind.', labelNames: ['kind'], registers,
  });
  const left = new Gauge({
    name: 'resilog_audit_unrepaired', help: 'Damage that the last whole round found and did not repair.', registers,
  });
  const finished = new Gauge({
    name: 'resilog_audit_finished_timestamp_seconds', help: 'When the last whole round ended.', registers,
  });
  const seen = new Counter({
    name: 'resilog_audit_findings_total', help: 'Damage that this process found.', labelNames: ['kind', 'repair'], registers,
  });
  const working = new Gauge({ name: 'resilog_audit_in_work', help: 'Whether this process does a round now.', registers });
  const files = new Gauge({ name: 'resilog_audit_round_files', help: 'Files that the round in work here went over.', registers });
  const bytes = new Gauge({ name: 'resilog_audit_round_bytes', help: 'Stored bytes that it read.', registers });
  return {
    show: (last) => {
      if (last === undefined) return;
      const { tally, finishedMs } = last;
      findings.reset();
      let all = 0;
      for (const [kind, count] of Object.entries(tally.findings)) {
        findings.set({ kind }, count);
        all += count;
      }
      left.set(all - tally.repaired);
      finished.set(finishedMs / MS_A_SECOND);
    },
    found: ({ kind, repair }) => { seen.inc({ kind, repair }); },
    went: (tally) => {
      files.set(tally.files);
      bytes.set(tally.bytes);
    },
    inWork: (yes) => { working.set(yes ? 1 : 0); },
  };
}
