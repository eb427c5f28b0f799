/**
 * How fast lines become tags: `ts-node benchmarks/normaliser.ts [ROUNDS]`. One thread against PyLogsParser on Python
 * 2.7 and against bare regular expressions, on the same mixed real lines and in turns; one worker against two; and what
 * an added definition costs. One line of JSON a figure, and a table in the end.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../src/clock';
import { silentLog } from '../src/log';
import { definitionSetOf } from '../src/normaliser/definition-set';
import { memoryDefinitionStore } from '../src/normaliser/memory-definition-store';
import { createNormaliser, type NormaliserChain } from '../src/normaliser/normaliser';
import type { DefinitionFile, DefinitionSet, NormalisedLine, NormaliserInput } from '../src/normaliser/ports';
import { WorkerPool } from '../src/normaliser/worker-pool';
import { loadDefinitions } from '../src/process/definitions';
import { pylogsparserFiles, pylogsparserFolder } from '../tests/support/pylogsparser/installation';
import { findPython2 } from '../tests/support/pylogsparser/python2-oracle';
import { normalizerXml } from '../tests/unit/normaliser/definitions';
import { ChainThread } from './support/chain-thread';
import { Figures, type Round } from './support/figures';
import { type Spent, timed } from './support/timed';

const checkout = join(__dirname, '..');
/** Every so many-th line of the samples: the original needs a second or more for them. */
const EACH = 10;
/** Turns before those that are timed. */
const WARM_TURNS = 5;
const RECEIVED_MS = Date.UTC(2026, 10, 22);
const TIME_ZONE = 'Europe/Paris';

/** One turn over the lines; returns the CPU seconds of another process, if one did the work. */
type Turn = () => Promise<Spent>;

interface Contestant {
  readonly name: string;
  readonly ratioTo?: string;
  /** Turns that one round takes, so that each lasts long enough. */
  readonly repeat: number;
  readonly turn: Turn;
}

function mixedLines(): readonly string[] {
  const folder = join(checkout, 'samples');
  const files = readdirSync(folder).filter((name) => name.endsWith('.log')).sort();
  const all = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean));
  // Copies, for a part of a file's text would be slower to read; in an order in which no line follows its like.
  const copies = all.filter((_, index) => index % EACH === 0).map((line) => Buffer.from(line).toString());
  return copies.map((line, index) => [(index * 7_919) % copies.length, line] as const)
    .sort(([left], [right]) => left - right).map(([, line]) => line);
}

function inputOf(text: string): NormaliserInput {
  return { text, receivedMs: RECEIVED_MS, timeZone: TIME_ZONE };
}

function ours(name: string, thread: ChainThread, ratioTo?: string): Contestant {
  return { name, repeat: 20, turn: () => thread.turn(), ...(ratioTo === undefined ? {} : { ratioTo }) };
}

/** Only the expressions that match a line, each on its text: no prefilter, no tags, no callbacks. */
function bareRegexps(chain: NormaliserChain, lines: readonly string[]): Contestant {
  const byId = new Map(chain.definitions.map((definition) => [definition.id, definition]));
  const work = lines.flatMap((line) => {
    const { matched, log } = chain.run(inputOf(line));
    return matched.flatMap(({ normalizer, pattern }) => {
      const compiled = byId.get(normalizer);
      const source = compiled?.patterns.find(({ name }) => name === pattern)?.source;
      const text = compiled?.appliedTo === 'raw' ? line : log.get(compiled?.appliedTo ?? '') ?? line;
      return source === undefined || typeof text !== 'string' ? [] : [{ key: `${normalizer}/${pattern}`, source, text }];
    });
  });
  const forms = new Map(work.map(({ key, source }) => [key, new RegExp(`^(?:${source})`, 'i' + 'u')]));
  const tasks = work.map(({ key, text }) => ({ form: forms.get(key) as RegExp, text }));
  return {
    name: 'bare regexps, only those that match', repeat: 20,
    turn: () => timed(() => { for (const { form, text } of tasks) form.exec(text); }),
  };
}

/** The original in its own process, which answers each line that it is given with its times. */
function original(python: string, lines: readonly string[]): { contestant: Contestant; stop: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'resilog-bench-'));
  const file = join(folder, 'lines');
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const script = join(__dirname, 'support', 'pylogsparser_speed.py');
  const support = join(checkout, 'tests', 'support', 'pylogsparser', 'python2');
  const child = spawn(python, [script, support, pylogsparserFolder, file], {
    stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, TZ: 'UTC' },
  });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const turn: Turn = async () => {
    child.stdin.write('go\n');
    const { value, done } = await answers.next();
    if (done === true) throw new Error('PyLogsParser ended');
    const [seconds = 0, cpuSeconds = 0] = value.split(' ').map(Number);
    return { seconds, cpuSeconds };
  };
  return {
    contestant: { name: 'PyLogsParser on Python 2.7', repeat: 1, turn },
    stop: () => {
      child.stdin.end();
      rmSync(folder, { recursive: true });
    },
  };
}

async function warm(turn: Turn, repeat: number): Promise<void> {
  for (let count = 0; count < Math.min(WARM_TURNS, repeat); count += 1) await turn();
}

/** All contestants in turns; figures in lines and in MiB a second. */
async function compete(
  figures: Figures, contestants: readonly Contestant[], lines: readonly string[], rounds: number,
): Promise<void> {
  const mebibytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0) / 2 ** 20;
  const measured = contestants.map((): { lines: Round[]; mebibytes: Round[] } => ({ lines: [], mebibytes: [] }));
  // The first turns compile.
  for (const { turn, repeat } of contestants) await warm(turn, repeat);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { turn, repeat }] of contestants.entries()) {
      // Untimed: whoever had the processor before left its own data in the caches.
      await warm(turn, repeat);
      let seconds = 0;
      let cpuSeconds = 0;
      for (let count = 0; count < repeat; count += 1) {
        const spent = await turn();
        seconds += spent.seconds;
        cpuSeconds += spent.cpuSeconds;
      }
      measured[index]?.lines.push({ value: repeat * lines.length / seconds, cpuSeconds });
      measured[index]?.mebibytes.push({ value: repeat * mebibytes / seconds, cpuSeconds });
    }
  }
  contestants.forEach(({ name, ratioTo }, index) => {
    figures.add(name, 'lines/s', measured[index]?.lines ?? [], ratioTo);
    figures.add(name, 'MiB/s', measured[index]?.mebibytes ?? [], ratioTo);
  });
}

function pooled(pool: WorkerPool, workers: number, set: DefinitionSet, lines: readonly string[]): Contestant {
  const batches = Array.from({ length: 8 }, () => lines.map(inputOf));
  return {
    name: `pool, ${workers} ${workers === 1 ? 'worker' : 'workers'}`, repeat: 6,
    ...(workers === 1 ? {} : { ratioTo: 'pool, 1 worker' }),
    turn: async () => {
      const { seconds, cpuSeconds } = await timed(() => (
        Promise.all(batches.map(async (inputs) => { readAll(await pool.normalise(set.version, inputs)); }))));
      return { seconds: seconds / batches.length, cpuSeconds: cpuSeconds / batches.length };
    },
  };
}

/** As whoever indexes the lines does, who only puts what is written already behind the rest of a document. */
function readAll(results: readonly NormalisedLine[]): void {
  const characters = results.reduce((sum, { found }) => sum + found.length, 0);
  if (characters < results.length) throw new Error('lines without tags');
}

async function comparePools(
  figures: Figures, set: DefinitionSet, lines: readonly string[], rounds: number,
): Promise<void> {
  const store = memoryDefinitionStore([set]);
  const pools = [1, 2].map((workers) => new WorkerPool({ store, clock: systemClock, log: silentLog, workers }));
  try {
    // Whatever else the machine does costs two busy threads more than one: that takes many rounds to even out.
    await compete(figures, pools.map((pool, index) => pooled(pool, index + 1, set, lines)), lines, 3 * rounds);
  } finally {
    await Promise.all(pools.map((pool) => pool.close()));
  }
}

/** A definition for a device of its own, none of whose lines is among the samples. */
function madeUp(number: number): DefinitionFile {
  const name = `device-${number.toString(36).padStart(3, '0')}`;
  return {
    name: `made-up/${name}.xml`,
    xml: normalizerXml({
      name, appliedTo: number % 2 === 0 ? 'raw' : 'body', text: `.*unit${name} session ID from HOST to TARGET took TIME ms`,
      tags: { ID: '[0-9a-f]+', HOST: '\\S+', TARGET: '\\S+', TIME: '\\d+' },
    }),
  };
}

/** Microseconds a line with the program's definitions and so many more. */
async function compareSizes(
  figures: Figures, set: DefinitionSet, lines: readonly string[], rounds: number,
): Promise<void> {
  const sizes = [10, 20, 50, 100] as const;
  const inputs = lines.map(inputOf);
  const chains = sizes.map((size) => createNormaliser(definitionSetOf(
    [...set.files, ...Array.from({ length: size }, (_, number) => madeUp(number))])));
  const measured = sizes.map((): Round[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, chain] of chains.entries()) {
      const { seconds, cpuSeconds } = await timed(() => {
        for (let count = 0; count < 10; count += 1) for (const input of inputs) chain.normalise(input);
      });
      measured[index]?.push({ value: seconds * 1e6 / 10 / inputs.length, cpuSeconds });
    }
  }
  const medians = sizes.map((size, index) => (
    figures.add(`with ${size} added definitions`, 'µs/line', measured[index] ?? [],
      size === sizes[0] ? undefined : `with ${sizes[0]} added definitions`).median));
  const nanoseconds = ((medians.at(-1) ?? 0) - (medians[0] ?? 0)) * 1_000 / (sizes[3] - sizes[0]);
  figures.add('an added definition, from 10 to 100', 'ns/line', [{ value: nanoseconds, cpuSeconds: 0 }]);
}

async function main(rounds: number): Promise<void> {
  const figures = new Figures('normaliser');
  const lines = mixedLines();
  const set = await loadDefinitions();
  const all = createNormaliser(set);
  const inputs = lines.map(inputOf);
  const threads = [definitionSetOf(await pylogsparserFiles()), set].map((each) => new ChainThread(each, inputs));
  const [theirsThread, allThread] = threads as [ChainThread, ChainThread];
  const python = findPython2();
  const opponent = python === undefined ? undefined : original(python, lines);
  if (opponent === undefined) process.stderr.write('There is no Python 2.7: PyLogsParser itself is not measured.\n');
  try {
    const ratioTo = opponent?.contestant.name;
    await compete(figures, [
      ...(opponent === undefined ? [] : [opponent.contestant]),
      ours("one thread, PyLogsParser's definitions", theirsThread, ratioTo),
      ours('one thread, all definitions', allThread, ratioTo),
      bareRegexps(all, lines),
    ], lines, rounds);
  } finally {
    opponent?.stop();
    await Promise.all(threads.map((thread) => thread.stop()));
  }
  await comparePools(figures, set, lines, rounds);
  await compareSizes(figures, set, lines, rounds);
  figures.printTable();
}

void main(Number(process.argv[2] ?? 7));
