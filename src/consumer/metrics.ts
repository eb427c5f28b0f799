import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface ConsumerMetrics {
  readonly linesIndexed: Counter;
  readonly linesRefused: Counter;
  readonly linesSetAside: Counter;
  /** Counts lines of a source in which nothing was found, and which are indexed raw. */
  readonly unparsed: (source: string, lines: number) => void;
  readonly batches: Counter<'outcome'>;
  readonly batchDocuments: Histogram;
  readonly batchSeconds: Histogram;
  readonly files: Counter<'outcome'>;
  readonly filesInWork: Gauge;
  readonly linesLeft: Gauge;
  readonly ownedBuckets: Gauge;
  readonly pauses: Counter;
  readonly commits: Counter<'outcome'>;
  readonly settingsVersion: Gauge;
  /** Calls back before the figures are read, to set the gauges that show a state. */
  readonly onCollect: (callback: () => void) => void;
}

/** The consumer's figures, in the given registry. */
export function createConsumerMetrics(registry: Registry): ConsumerMetrics {
  const registers = [registry];
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  let sample: () => void = () => undefined;
  return {
    linesIndexed: counter('resilog_consumer_lines_indexed_total', 'Lines that the index accepted.'),
    linesRefused: counter('resilog_consumer_lines_refused_total', 'Lines that the index refused for what they contain.'),
    linesSetAside: counter('resilog_consumer_lines_set_aside_total', 'Refused lines that were noted for replay.'),
    unparsed: unparsedCounter(registry),
    batches: new Counter({
      name: 'resilog_consumer_batches_total', help: 'Requests to the index.', labelNames: ['outcome'], registers,
    }),
    batchDocuments: new Histogram({
      name: 'resilog_consumer_batch_documents', help: 'Documents in a request to the index.',
      buckets: [1, 10, 100, 500, 1_000, 5_000, 20_000], registers,
    }),
    batchSeconds: new Histogram({
      name: 'resilog_consumer_batch_seconds', help: 'Duration of a request to the index.',
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10], registers,
    }),
    files: new Counter({
      name: 'resilog_consumer_files_total', help: 'Files taken, by how the take ended.', labelNames: ['outcome'], registers,
    }),
    filesInWork: gauge('resilog_consumer_files_in_work', 'Files being indexed.'),
    linesLeft: gauge('resilog_consumer_lines_left', 'Lines of the files in work that are behind Position.'),
    ownedBuckets: new Gauge({
      name: 'resilog_consumer_owned_buckets', help: 'Buckets of the queue owned by this consumer.', registers,
      collect: () => { sample(); },
    }),
    pauses: counter('resilog_consumer_pauses_total', 'Times that all work was put back since archive or index failed.'),
    commits: new Counter({
      name: 'resilog_consumer_commits_total', help: 'Commits of the index.', labelNames: ['outcome'], registers,
    }),
    settingsVersion: gauge('resilog_settings_version', 'Version of the settings in force.'),
    onCollect: (callback) => { sample = callback; },
  };
}

/** Sources with a figure of their own; those met later are counted together, as `other`. */
const SOURCES_COUNTED = 200;

function unparsedCounter(registry: Registry): (source: string, lines: number) => void {
  const counter = new Counter({
    name: 'resilog_consumer_lines_unparsed_total', help: 'Lines in which no definition found anything, by source.',
    labelNames: ['source'], registers: [registry],
  });
  const sources = new Set<string>();
  return (source, lines) => {
    if (sources.size < SOURCES_COUNTED) sources.add(source);
    counter.inc({ source: sources.has(source) ? source : 'other' }, lines);
  };
}
