/**
 * Breaks a whole cluster at random while clients send, then counts: `make chaos DURATION=<seconds> SEED=<number>`; or,
 * with --overload, breaks nothing, and has the clients send all that they can: `make overload DURATION=<seconds>`. Its
 * last line is one JSON object; its exit code is 0 only when every promise was kept.
 */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { commandsOf } from '../end-to-end/support/commands';
import { connect } from '../end-to-end/support/inspect';
import { ChaosCluster } from './chaos-cluster';
import { Client } from './clients';
import { Faults } from './faults';
import { Lines } from './lines';
import { ObligationRecord, readObligations } from './obligations';
import { judge } from './oracle';
import { Overload } from './overload';
import { scheduleOf } from './schedule';

/** What is not drained by then is given up, and judged as it is. */
const PATIENCE_SECONDS = 300;
const READY_MS = 240_000;
const USAGE = 64;

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly clients: number;
  /** Lines a second of all clients; without a limit in overload. */
  readonly rate: number;
  readonly overload: boolean;
  /** Seconds after the faults in which all has to be indexed and verified. */
  readonly drainSeconds: number;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      duration: { type: 'string', default: '120' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      clients: { type: 'string', default: '8' },
      rate: { type: 'string', default: '1500' },
      overload: { type: 'boolean', default: false },
      'drain-limit': { type: 'string', default: '60' },
    },
  });
  const whole = (name: 'duration' | 'seed' | 'clients' | 'rate' | 'drain-limit', least: number): number => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= least) return value;
    process.stderr.write(`chaos: --${name} is "${values[name]}", and has to be a whole number from ${least}\n`);
    process.exit(USAGE);
  };
  const overload = values.overload;
  return {
    seconds: whole('duration', 1), seed: whole('seed', 0), clients: whole('clients', 1), overload,
    rate: overload ? Infinity : whole('rate', 1), drainSeconds: whole('drain-limit', 1),
  };
}

class Run {
  private readonly begin = performance.now();

  constructor(private readonly options: Options, private readonly folder: string) {}

  say = (text: string): void => {
    process.stderr.write(`${((performance.now() - this.begin) / 1_000).toFixed(1).padStart(7)} s  ${text}\n`);
  };

  /** True when every promise was kept. */
  async carryOut(): Promise<boolean> {
    const { seed, seconds } = this.options;
    this.say(`${new Date().toISOString()}: seed ${seed}, ${seconds} s of faults; starting three of each server, two producers, three consumers`);
    const cluster = await ChaosCluster.start(this.folder);
    let kept = false;
    try {
      kept = await this.breakAndCount(cluster);
      return kept;
    } finally {
      await cluster.stop();
      if (kept) await cluster.dropDisks();
      else await cluster.keepDisks(join(this.folder, 'kept'));
    }
  }

  private async breakAndCount(cluster: ChaosCluster): Promise<boolean> {
    const { seed, seconds, drainSeconds } = this.options;
    const lines = new Lines(seed);
    const file = join(this.folder, 'obligations');
    const record = await ObligationRecord.create(file);
    const stop = new AbortController();
    const clients = await this.declare(cluster, lines, record, stop.signal);
    const overload = this.options.overload
      ? new Overload(cluster, clients.map(({ client }) => client), clients[0]?.urls ?? []) : undefined;
    await overload?.begin();
    const sending = Promise.all(clients.map(({ client }) => client.run()));
    const faults = new Faults(cluster, this.say);
    const heartbeat = setInterval(() => {
      this.say(`${clients.reduce((sum, { client }) => sum + client.acknowledged, 0)} lines acknowledged`);
    }, 15_000);
    try {
      const end = sleep(seconds * 1_000);
      const schedule = overload === undefined ? scheduleOf(seed, seconds * 1_000) : [];
      await Promise.race([faults.run(schedule, stop.signal), sending]);
      await end;
    } finally {
      clearInterval(heartbeat);
      stop.abort();
    }
    this.say('the faults are over');
    const healed = performance.now();
    await sending;
    await record.close();
    const overloaded = await overload?.end();
    const settled = await this.drain(cluster);
    const drainMs = performance.now() - healed;
    this.say(`drained after ${(drainMs / 1_000).toFixed(1)} s; counting`);
    const services = connect(cluster.first);
    try {
      // What is not drained has nothing to be counted yet.
      const { details, ...counts } = settled.length > 0
        ? { details: [] }
        : await judge(services, clients.map(({ source }) => source), lines, await readObligations(file));
      const unexpected = clients.flatMap(({ client }) => client.unexpected).slice(0, 20);
      const problems = [...settled, ...details, ...overloaded?.problems ?? [], ...unexpected];
      // What waited when the overload ended takes its time.
      if (overload === undefined && drainMs > drainSeconds * 1_000) problems.push(`NOT DRAINED within ${drainSeconds} s`);
      for (const problem of problems) this.say(problem);
      const kept = problems.length === 0;
      process.stdout.write(`${JSON.stringify({
        seed, seconds, ...counts, ...overloaded?.report ?? faults.injuries,
        longestGapSeconds: rounded(Math.max(...clients.map(({ client }) => client.longestGapMs)) / 1_000),
        drainSeconds: rounded(drainMs / 1_000), kept,
      })}\n`);
      return kept;
    } finally {
      await services.close();
    }
  }

  private async declare(
    cluster: ChaosCluster, lines: Lines, record: ObligationRecord, signal: AbortSignal,
  ): Promise<readonly { readonly source: string; readonly urls: readonly string[]; readonly client: Client }[]> {
    const { seed, clients: count, rate } = this.options;
    const commands = commandsOf(cluster.first);
    return Promise.all(Array.from({ length: count }, async (_, number) => {
      const source = `chaos-${number}`;
      const { urls } = await commands.addSource(source);
      return { source, urls, client: new Client({ number, seed, urls, lines, record, signal, rate: rate / count }) };
    }));
  }

  /** Waits until all is indexed and verified; returns what did not become so. */
  private async drain(cluster: ChaosCluster): Promise<readonly string[]> {
    const watching = setInterval(() => { void this.tellWhatIsLeft(cluster); }, 20_000);
    try {
      const { code, stderr } = await cluster.first.resilog(
        ['wait', '--idle', '--verified', '--timeout', `${PATIENCE_SECONDS}s`]);
      if (code !== 0) return [`NOT DRAINED: ${stderr.trim()}`];
      await cluster.waitUntilReady(READY_MS);
      return [];
    } catch (error) {
      return [`NOT READY: ${error instanceof Error ? error.message : String(error)}`];
    } finally {
      clearInterval(watching);
    }
  }

  private async tellWhatIsLeft(cluster: ChaosCluster): Promise<void> {
    const { stdout, stderr } = await cluster.first.resilog(['status']);
    this.say(`not drained yet:\n${stdout}${stderr}`);
  }
}

function rounded(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'resilog-chaos-'));
  const kept = await new Run(readOptions(), folder).carryOut();
  if (kept) await rm(folder, { recursive: true, force: true });
  else process.stderr.write(`chaos: a promise was broken; the clients' record is in ${folder}, logs and data in kept/ there\n`);
  process.exitCode = kept ? 0 : 1;
}

void main();
