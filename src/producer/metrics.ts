import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What the gauges are read from at each scrape. */
export interface MetricSources {
  readonly settingsVersion: () => number;
  readonly memoryUsed: () => number;
  readonly memoryBudget: () => number;
  readonly openFiles: () => number;
  readonly openLanes: () => number;
  readonly pendingClosings: () => number;
  readonly journalBlocks: () => number;
  readonly ready: () => boolean;
}

export interface ProducerMetrics {
  /** A request with lines was answered. */
  answered(status: number, lines: number, bytes: number, seconds: number): void;
  closed(files: number, seconds: number): void;
  text(): Promise<{ readonly type: string; readonly body: string }>;
}

/** Registers the producer's metrics; names and meanings are in docs/specs/intake.md. */
export function createMetrics(registry: Registry, sources: MetricSources): ProducerMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({ name, help, registers, collect() { this.set(value()); } });
  };
  gauge('resilog_settings_version', 'Version of the settings in force.', sources.settingsVersion);
  gauge('resilog_producer_memory_used_bytes', 'Memory reserved for bodies.', sources.memoryUsed);
  gauge('resilog_producer_memory_budget_bytes', 'Memory that bodies may take together.', sources.memoryBudget);
  gauge('resilog_producer_open_files', 'Files with lines that are not handed over to be closed.', sources.openFiles);
  gauge('resilog_producer_open_lanes', 'Lanes that take lines.', sources.openLanes);
  gauge('resilog_producer_pending_closings', 'Groups of files that wait to be closed.', sources.pendingClosings);
  gauge('resilog_producer_journal_blocks', 'Blocks in the journals with a file not yet closed.', sources.journalBlocks);
  gauge('resilog_producer_ready', '1 when lines are taken, else 0.', () => (sources.ready() ? 1 : 0));
  const requests = new Counter({
    name: 'resilog_producer_requests_total', help: 'Requests with lines by status.', labelNames: ['status'], registers,
  });
  const lines = new Counter({ name: 'resilog_producer_lines_total', help: 'Lines acknowledged.', registers });
  const bytes = new Counter({ name: 'resilog_producer_bytes_total', help: 'Raw bytes acknowledged.', registers });
  const duration = new Histogram({
    name: 'resilog_producer_request_seconds', help: 'Time from the headers to the answer.', registers,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  });
  const files = new Counter({ name: 'resilog_producer_files_closed_total', help: 'Files closed.', registers });
  const closing = new Histogram({
    name: 'resilog_producer_close_seconds', help: 'Time to close a group of files.', registers,
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  return {
    answered: (status, lineCount, byteCount, seconds) => {
      requests.inc({ status });
      lines.inc(lineCount);
      bytes.inc(byteCount);
      duration.observe(seconds);
    },
    closed: (fileCount, seconds) => {
      files.inc(fileCount);
      closing.observe(seconds);
    },
    text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}
