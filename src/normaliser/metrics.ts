import { Counter, Gauge, type Registry } from 'prom-client';
import { treatment } from './pattern-control';
import type { PatternOffence } from './pattern-offences';
import type { WorkerPool } from './worker-pool';

/** Patterns with a figure of their own; those that offend later are counted together, as `other`. */
const PATTERNS_COUNTED = 200;

export interface NormaliserMetrics {
  /** To be told of each offence. */
  readonly offended: (offence: PatternOffence) => void;
  /** Reads the pool's figures whenever they are asked for. */
  readonly watch: (pool: Pick<WorkerPool, 'statistics' | 'patternOffences'>) => void;
}

/** The normaliser's figures, in the given registry. */
export function createNormaliserMetrics(registry: Registry): NormaliserMetrics {
  const registers = [registry];
  const offences = new Counter({
    name: 'resilog_normaliser_pattern_offences_total', help: 'Threads that a pattern cost because it took too long.',
    labelNames: ['normalizer', 'pattern'], registers,
  });
  const counted = new Set<string>();
  let pool: Pick<WorkerPool, 'statistics' | 'patternOffences'> | undefined;
  const gauge = (name: string, help: string, value: () => number | undefined): Gauge => new Gauge({
    name, help, registers,
    collect(this: Gauge) { this.set(value() ?? 0); },
  });
  gauge('resilog_normaliser_suspended_patterns', 'Patterns that are matched in linear time only, or not at all.',
    () => pool?.patternOffences().filter((offence) => offence.treatment !== treatment.ordinary).length);
  gauge('resilog_normaliser_abandoned_lines', 'Lines indexed raw because no thread survived them, since the start.',
    () => pool?.statistics().abandonedLines);
  gauge('resilog_normaliser_threads_lost', 'Threads that ended or were ended, since the start.',
    () => pool?.statistics().threadsLost);
  return {
    offended: ({ normalizer, pattern }) => {
      const key = `${normalizer}\0${pattern}`;
      if (counted.size < PATTERNS_COUNTED) counted.add(key);
      offences.inc(counted.has(key) ? { normalizer, pattern } : { normalizer: 'other', pattern: 'other' });
    },
    watch: (watched) => { pool = watched; },
  };
}

/** The version of the definitions that files closed now are given, as label of a figure that is always 1. */
export function exposeDefinitions(registry: Registry, version: () => string): void {
  const gauge = new Gauge({
    name: 'resilog_definitions_info', help: 'The version of the definitions in force.',
    labelNames: ['version'], registers: [registry],
    collect() {
      gauge.reset();
      gauge.set({ version: version() }, 1);
    },
  });
}
