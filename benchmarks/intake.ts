/**
 * How fast lines become durable: `ts-node benchmarks/intake.ts [ROUNDS]`. The producer of a cluster of one of each,
 * whose mongod keeps a journal on disk, against a bare sink that hashes and fsyncs the same bodies, in turns: bodies
 * of a mebibyte of real lines, and one line of 300 bytes a request. Files close meanwhile; nothing is indexed.
 */
import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { commandsOf } from '../tests/end-to-end/support/commands';
import { startCluster, type Cluster } from '../tests/support/cluster';
import { Figures, type Round } from './support/figures';
import type { Load, LoadResult } from './support/load';
import { cpuSecondsOf } from './support/processes';

const MiB = 2 ** 20;
const SECONDS = 8;
const WARM_SECONDS = 3;
/** More than a lane holds at once, so that few bodies repeat in what is compressed together. */
const BODIES_MIB = 64;
const LINE_BYTES = 300;

const shapes = [
  { name: 'bodies of 1 MiB, 8 connections', bodyBytes: MiB, connections: 8, unit: 'MiB/s' },
  { name: 'a line of 300 B a request, 64 connections', bodyBytes: LINE_BYTES, connections: 64, unit: 'requests/s' },
] as const;
type Shape = typeof shapes[number];

interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  /** All that works for it, the load aside. */
  readonly pids: readonly number[];
}

/** Bodies of real lines, each with another number: one line a body, or as many as it holds. */
function writeBodies(file: string, bodyBytes: number): void {
  const folder = join(__dirname, '..', 'samples');
  const lines = readdirSync(folder).filter((name) => name.endsWith('.log')).sort()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean));
  const bodies: Buffer[] = [];
  const total = bodyBytes === LINE_BYTES ? 8 * MiB : BODIES_MIB * MiB;
  for (let number = 0, bytes = 0; bytes < total; bytes += bodyBytes) {
    const body = Buffer.alloc(bodyBytes, '\n');
    const lineBytes = bodyBytes === LINE_BYTES ? LINE_BYTES - 1 : undefined;
    for (let used = 0; used < bodyBytes; number += 1) {
      const line = `${lines[number % lines.length] ?? ''} ${number}`;
      used += body.write(`${line.padEnd(lineBytes ?? 0, '.').slice(0, lineBytes)}\n`, used);
    }
    bodies.push(body);
  }
  writeFileSync(file, Buffer.concat(bodies));
}

async function load(contestant: Contestant, shape: Shape, bodies: string, seconds: number): Promise<Round> {
  const workerLoad: Load = {
    port: contestant.port, path: contestant.path, connections: shape.connections, bodies, bodyBytes: shape.bodyBytes,
  };
  const entry = JSON.stringify(join(__dirname, 'support', 'load.ts'));
  const worker = new Worker(`require('ts-node').register({ transpileOnly: true }); require(${entry});`, {
    eval: true, workerData: workerLoad,
  });
  const before = cpuSecondsOf(contestant.pids);
  worker.postMessage({ seconds });
  const [result] = await once(worker, 'message') as [LoadResult];
  await worker.terminate();
  const refused = Object.entries(result.refused).map(([status, times]) => `${times} times ${status}`);
  if (refused.length > 0) process.stderr.write(`${contestant.name}, ${shape.name}: ${refused.join(', ')}\n`);
  const amount = shape.unit === 'MiB/s' ? result.bytes / MiB : result.requests;
  return { value: amount / result.seconds, cpuSeconds: cpuSecondsOf(contestant.pids) - before };
}

async function startSink(folder: string): Promise<{ child: ChildProcess; contestant: Contestant }> {
  const script = join(__dirname, 'support', 'bare-sink.ts');
  const child = spawn(process.execPath, ['-r', 'ts-node/register/transpile-only', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(createInterface(child.stdout), 'line') as [string];
  return { child, contestant: { name: 'bare sink', port: Number(port), path: '/', pids: [child.pid ?? 0] } };
}

async function producerOf(cluster: Cluster): Promise<Contestant> {
  // What indexes would take the processors; a backlog must not be refused for that.
  for (const name of ['consumer-1', 'solr-1']) await cluster.stopMember(name);
  const commands = commandsOf(cluster);
  await commands.run('config', 'set', 'backPressure.maxUnqueuedFiles=100000', 'files.maxAgeMs=5000');
  const { urls } = await commands.addSource('bench');
  const url = new URL(urls[0] ?? '');
  const pids = await Promise.all(['producer-1', 'mongodb-1', 'zookeeper-1'].map((name) => cluster.pid(name)));
  return { name: 'resilog', port: Number(url.port), path: url.pathname, pids };
}

async function main(rounds: number): Promise<void> {
  const figures = new Figures('intake');
  const folder = mkdtempSync(join(tmpdir(), 'resilog-bench-'));
  const { child, contestant: sink } = await startSink(folder);
  const cluster = await startCluster({ consumers: 1 });
  try {
    const contestants = [sink, await producerOf(cluster)];
    for (const shape of shapes) {
      const bodies = join(folder, `bodies-${shape.bodyBytes}`);
      writeBodies(bodies, shape.bodyBytes);
      for (const contestant of contestants) await load(contestant, shape, bodies, WARM_SECONDS);
      const measured = contestants.map((): Round[] => []);
      for (let round = 0; round < rounds; round += 1) {
        for (const [index, contestant] of contestants.entries()) {
          measured[index]?.push(await load(contestant, shape, bodies, SECONDS));
        }
      }
      contestants.forEach(({ name }, index) => {
        figures.add(`${name}: ${shape.name}`, shape.unit, measured[index] ?? [], index === 0 ? undefined : `bare sink: ${shape.name}`);
      });
    }
  } finally {
    child.kill();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  figures.printTable();
}

void main(Number(process.argv[2] ?? 5));
