import type { Registry } from 'prom-client';
import type { Volume } from '../archive/volume';
import { runRound } from '../audit/auditor';
import type { AuditContext } from '../audit/context';
import { createAuditMetrics, type AuditMetrics } from '../audit/metrics';
import { Pace } from '../audit/pace';
import { findingsIn } from '../audit/ports';
import { stagesOf } from '../audit/stages';
import type { Clock } from '../clock';
import { ConfigurationError } from '../errors';
import type { LogIndex } from '../index/ports';
import type { Log } from '../log';
import { createQueueAdministration } from '../queue/queue-administration';
import { createQueueInventory } from '../queue/queue-inventory';
import { createQueueProducer } from '../queue/queue-producer';
import type { Random } from '../random';
import type { Coordination } from '../registry/coordination';
import type { SettingsWatcher } from '../registry/settings';
import { exclusively } from './exclusively';
import { startRounds, type Rounds } from './rounds';

export interface AuditWiring {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: SettingsWatcher;
  readonly volumes: readonly Volume[];
  readonly index: LogIndex;
}

/** How a round is made, besides what it reaches; see AuditContext. */
export interface AuditManner extends Pick<AuditContext, 'attended' | 'scope'> {
  /** Without the limits of the settings. */
  readonly fullSpeed: boolean;
  readonly signal: AbortSignal;
}

/** Pause between two looks whether a round is due, or whether one that somebody left has to be gone on with. */
const LOOK_MS = 30_000;

/** What an audit reaches. Requests to delete are kept in the first volume. */
export function auditContext(wiring: AuditWiring & AuditManner): AuditContext {
  const { coordination, clock, random, settings, volumes, index, scope, attended, fullSpeed, signal } = wiring;
  const [first] = volumes;
  if (first === undefined) throw new ConfigurationError('the cluster has no volume');
  const rate = (key: 'readBytesPerSecond' | 'indexQueriesPerSecond') => () => (
    fullSpeed ? 0 : settings.current.audit[key]);
  return {
    attended, volumes, index, clock, collections: [settings.current.index.collection], deletions: first.deletions,
    queue: createQueueProducer({ coordination, clock, random }), letters: createQueueAdministration(coordination),
    inventory: createQueueInventory(coordination),
    pace: new Pace({
      clock, signal, readBytesPerSecond: rate('readBytesPerSecond'), indexQueriesPerSecond: rate('indexQueriesPerSecond'),
    }),
    // The recoverer comes first: what it repairs in time is no damage.
    stuckAfterMs: () => settings.current.consumer.requeueAfterMs + 2 * settings.current.recovery.scanIntervalMs,
    ...(scope === undefined ? {} : { scope }),
  };
}

/** Rounds over everything, one after another, by one of the consumers; another goes on with what one leaves. */
export function startAudit(wiring: AuditWiring & { readonly registry: Registry; readonly log: Log }): Rounds {
  const { clock, log, registry } = wiring;
  const options = { ...wiring, metrics: createAuditMetrics(registry) };
  return startRounds({
    name: 'audit', clock, log, intervalMs: () => LOOK_MS, round: (signal) => auditIfDue(options, signal),
  });
}

async function auditIfDue(
  options: AuditWiring & { readonly metrics: AuditMetrics; readonly log: Log }, signal: AbortSignal,
): Promise<void> {
  const { volumes, clock, random, metrics, log, settings } = options;
  const records = volumes[0]?.audits;
  if (records === undefined) return;
  const [last, { progress }] = await Promise.all([records.last(), records.progress()]);
  metrics.show(last);
  const sinceMs = last === undefined ? Infinity : clock.now() - last.finishedMs;
  // An end in the future was written by a clock that was ahead (schedule 37).
  if (progress === undefined && sinceMs >= 0 && sinceMs < settings.current.audit.intervalMs) return;
  await exclusively(options, 'audit', signal, async (lost) => {
    metrics.inWork(true);
    try {
      const report = await runRound({
        stages: stagesOf(auditContext({ ...options, attended: false, fullSpeed: false, signal: lost })),
        clock, random, records, repair: true, signal: lost,
        onProgress: (_, tally) => { metrics.went(tally); },
        onFinding: (finding) => {
          metrics.found(finding);
          if (finding.repair === 'done') log.warn('DamageRepaired', { ...finding });
          else log.error('DamageFound', { ...finding });
        },
      });
      if (report === undefined) return;
      metrics.show(report);
      const { tally: { files, lines, bytes, repaired } } = report;
      log.info('AuditFinished', { files, lines, bytes, findings: findingsIn(report.tally), repaired });
    } finally {
      metrics.inWork(false);
    }
  });
}
