/**
 * How fast lines get into the index: `ts-node benchmarks/index.ts [ROUNDS]`. One Solr with one replica of one shard,
 * one mongod; the same real lines with their tags each time, into a new collection: a bare loader that posts documents
 * that are ready, pysolr with the same documents, our index stage with them, and a consumer's whole work on files in
 * the archive. Until Solr has acknowledged the last line; in turns. One line of JSON a figure, and a table in the end.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Registry } from 'prom-client';
import { FileBuilder } from '../src/archive/file-format';
import { MongodbVolume } from '../src/archive/mongodb-volume';
import { Phase, type FileState } from '../src/archive/states';
import { systemClock } from '../src/clock';
import { Budget } from '../src/consumer/budget';
import { CommitPolicy } from '../src/consumer/commit-policy';
import { workOnFile, type FileWorkOptions } from '../src/consumer/file-work';
import { Indexer } from '../src/consumer/indexer';
import { createConsumerMetrics } from '../src/consumer/metrics';
import { documentOf, inputOf, textOf } from '../src/consumer/shaper';
import type { IndexDocument } from '../src/index/ports';
import { solrDocument } from '../src/index/solr-document';
import { silentLog } from '../src/log';
import { memoryDefinitionStore } from '../src/normaliser/memory-definition-store';
import type { DefinitionSet } from '../src/normaliser/ports';
import { WorkerPool } from '../src/normaliser/worker-pool';
import { loadDefinitions } from '../src/process/definitions';
import { systemRandom } from '../src/random';
import { MemorySettings } from '../src/registry/memory-settings';
import { servers, stopServers } from '../tests/support/servers';
import { solrFixture, type SolrFixture } from '../tests/support/solr-collections';
import { inParallel } from '../tests/support/wait';
import { Figures, type Round } from './support/figures';
import { type Spent, timed } from './support/timed';

const FILES = 8;
const LINES_OF_A_FILE = 10_000;
const LINES = FILES * LINES_OF_A_FILE;
/** What a consumer works on at once by default. */
const FILES_IN_WORK = 4;
const BYTES_IN_WORK = 24 * 2 ** 20;
/** What gave the bare loader most here: fewer and smaller requests, or more and larger ones, gave less. */
const BARE_DOCUMENTS = 1_000;
const BARE_IN_FLIGHT = 2;
/** Documents that one slice of a file gives to the index stage. */
const SLICE_DOCUMENTS = 250;
const SLICES_IN_FLIGHT = 64;
const MAX_INDEXED_BYTES = 32_768;

const checkout = join(__dirname, '..');
const clock = systemClock;
const execute = promisify(execFile);

interface Contestant {
  readonly name: string;
  readonly ratioTo?: string;
  /** Makes ready what is sent, untimed. What it returns sends all, and is done when Solr has acknowledged the last. */
  readonly prepare: (collection: string) => Promise<() => Promise<Spent>>;
}

/** Real lines of all samples, each with another number. */
function mixedLines(): readonly string[] {
  const folder = join(checkout, 'samples');
  const all = readdirSync(folder).filter((name) => name.endsWith('.log')).sort()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean));
  return Array.from({ length: LINES }, (_, index) => `${all[(index * 7_919) % all.length] ?? ''} ${index}`);
}

class IndexBench {
  private readonly settings = new MemorySettings({});
  private readonly metrics = createConsumerMetrics(new Registry());
  private readonly pool: WorkerPool;
  private readonly commits: CommitPolicy;

  constructor(
    private readonly fixture: SolrFixture, private readonly solrUrl: string, private readonly volume: MongodbVolume,
    private readonly set: DefinitionSet, private readonly lines: readonly string[],
  ) {
    this.pool = new WorkerPool({
      store: memoryDefinitionStore([set]), clock, log: silentLog, workers: this.settings.current.consumer.workers,
    });
    const { settings, metrics, fixture: { index } } = this;
    this.commits = new CommitPolicy({ index, clock, log: silentLog, settings, metrics });
  }

  close(): Promise<void> {
    this.commits.close();
    return this.pool.close();
  }

  bareLoader(): Contestant {
    return {
      name: 'bare loader, documents that are ready',
      prepare: async (collection) => {
        const documents = await this.documents(collection);
        const bodies = parts(documents.map(solrDocument), BARE_DOCUMENTS)
          .map((some) => Buffer.from(`[${some.join(',')}]`));
        return () => timed(() => inParallel(bodies, BARE_IN_FLIGHT, async (data) => {
          await this.fixture.client.request({
            path: `/${collection}/update`, query: { wt: 'json' }, body: { type: 'application/json', data },
            effect: 'write', timeoutMs: 60_000,
          });
        }));
      },
    };
  }

  pysolr(ratioTo: string): Contestant {
    return {
      name: 'pysolr 3.11, documents that are ready', ratioTo,
      prepare: async (collection) => {
        const documents = await this.documents(collection);
        return async () => {
          const folder = mkdtempSync(join(tmpdir(), 'resilog-bench-'));
          try {
            const file = join(folder, 'documents');
            writeFileSync(file, documents.map((document) => `${solrDocument(document)}\n`).join(''));
            const { stdout } = await execute(join(checkout, 'venv', 'bin', 'python'), [
              join(__dirname, 'support', 'pysolr_load.py'), `${this.solrUrl}/${collection}`, file,
              String(BARE_DOCUMENTS), String(BARE_IN_FLIGHT),
            ], { env: { ...process.env, PYTHONPATH: join(checkout, 'parts', 'pysolr') } });
            const [seconds = 0, cpuSeconds = 0] = stdout.split(' ').map(Number);
            return { seconds, cpuSeconds };
          } finally {
            rmSync(folder, { recursive: true });
          }
        };
      },
    };
  }

  indexStage(ratioTo: string): Contestant {
    return {
      name: 'our index stage, documents that are ready', ratioTo,
      prepare: async (collection) => {
        const slices = parts(await this.documents(collection), SLICE_DOCUMENTS);
        const { indexer } = this.work();
        const errand = { signal: new AbortController().signal, confirm: () => Promise.resolve() };
        return () => timed(() => inParallel(slices, SLICES_IN_FLIGHT, async (slice) => {
          const refused = await indexer.write(collection, slice, errand);
          if (refused.length > 0) throw new Error(`refused: ${refused[0]?.reason ?? ''}`);
        }));
      },
    };
  }

  consumer(ratioTo: string): Contestant {
    return {
      name: 'a consumer: files read, lines normalised and indexed', ratioTo,
      prepare: async (collection) => {
        const states = await this.files(collection);
        const options = this.work();
        return () => timed(() => inParallel(states, FILES_IN_WORK, async ({ id }) => {
          const outcome = await workOnFile(id, new AbortController().signal, options);
          if (outcome.kind !== 'finished') throw new Error(`a file is ${JSON.stringify(outcome)}`);
        }));
      },
    };
  }

  /** The very documents that a consumer makes of the lines. */
  private async documents(collection: string): Promise<readonly IndexDocument[]> {
    const all: IndexDocument[] = [];
    for (const [index, lines] of parts(this.lines, LINES_OF_A_FILE).entries()) {
      const state = stateOf(index.toString(16).padStart(24, '0'), collection, this.set.version, lines.length);
      const texts = lines.map((line, number) => {
        const raw = Buffer.from(line);
        return { text: textOf(raw, MAX_INDEXED_BYTES), line: { line: number, raw, receivedMs: state.firstReceivedMs } };
      });
      const inputs = texts.map(({ text, line }) => inputOf(text, line, state));
      const results = await this.pool.normalise(this.set.version, inputs);
      for (const [number, { text, line }] of texts.entries()) {
        const result = results[number];
        if (result !== undefined) all.push(documentOf(text, line, result, state));
      }
    }
    return all;
  }

  private async files(collection: string): Promise<readonly FileState[]> {
    return Promise.all(parts(this.lines, LINES_OF_A_FILE).map(async (lines) => {
      const state = stateOf(randomBytes(12).toString('hex'), collection, this.set.version, lines.length);
      const source = { id: state.sourceId, name: state.sourceName, indexed: true, timeZone: state.timeZone };
      const builder = new FileBuilder({ id: state.id, source, volume: state.volume, lane: state.lane });
      const raw = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      await builder.add({ raw, lines: lines.length, receivedMs: state.firstReceivedMs });
      const { description, content } = await builder.finish(state.firstReceivedMs);
      await this.volume.states.close([{ description, content, state }]);
      return state;
    }));
  }

  private work(): FileWorkOptions {
    const { settings, metrics, commits, volume, pool: normaliser, fixture: { index } } = this;
    return {
      clock, index, settings, metrics, normaliser, log: silentLog, volumes: [volume],
      indexer: new Indexer({ index, clock, random: systemRandom, settings, commits, metrics }),
      budget: new Budget(BYTES_IN_WORK), onProgress: () => undefined, healthy: () => Promise.resolve(true),
      deadLetters: { bury: ({ reason }) => Promise.reject(new Error(reason)) },
    };
  }
}

function stateOf(id: string, collection: string, definitions: string, lines: number): FileState {
  const receivedMs = Date.UTC(2026, 10, 22, 12);
  return {
    id, phase: Phase.closed, sourceId: '0123456789abcdef', sourceName: 'bench', volume: 'bench', lane: 'lane', lines,
    firstReceivedMs: receivedMs, lastReceivedMs: receivedMs, closedMs: receivedMs, collection, definitions,
    timeZone: 'UTC', maxIndexedLineBytes: MAX_INDEXED_BYTES, claim: 0, position: 0, attempts: 0, queuedMs: 0,
    progressMs: 0, tombstones: [], tombstoneVersion: 0, setAside: 0,
  };
}

function parts<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, part) => (
    items.slice(part * size, (part + 1) * size)));
}

async function main(rounds: number): Promise<void> {
  const figures = new Figures('index');
  const { mongodbUrl, solrUrl } = await servers();
  const fixture = solrFixture(solrUrl);
  const database = `bench_${randomBytes(6).toString('hex')}`;
  const volume = new MongodbVolume({ name: 'bench', url: mongodbUrl, database, clock });
  await volume.prepare();
  const bench = new IndexBench(fixture, solrUrl, volume, await loadDefinitions(), mixedLines());
  try {
    const bare = bench.bareLoader();
    const pysolr = bench.pysolr(bare.name);
    const contestants = [bare, pysolr, bench.indexStage(bare.name), bench.consumer(bare.name)];
    const measured = contestants.map((): Round[] => []);
    // The first round warms all up.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [index, { prepare }] of contestants.entries()) {
        const collection = fixture.newCollection();
        await fixture.index.prepare(collection, { shards: 1, replicas: 1 });
        const run = await prepare(collection);
        const { seconds, cpuSeconds } = await run();
        if (round > 0) measured[index]?.push({ value: LINES / seconds, cpuSeconds });
        await fixture.index.commit(collection, 'hard');
        await fixture.remove(collection);
      }
    }
    contestants.forEach(({ name, ratioTo }, index) => {
      figures.add(name, 'lines/s', measured[index] ?? [], ratioTo);
    });
  } finally {
    await bench.close();
    await volume.connection.db.dropDatabase();
    await volume.close();
    await fixture.close();
    await stopServers();
  }
  figures.printTable();
}

void main(Number(process.argv[2] ?? 5));
