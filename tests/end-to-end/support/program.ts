import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../support/checkout';
import type { Cluster } from '../../support/cluster';

/** A process of bin/resilog that a test starts, stops and kills by itself. */
export interface Program {
  readonly pid: number;
  /** Resolves to its exit code; null after a signal. */
  readonly ended: Promise<number | null>;
  signal(name: NodeJS.Signals): void;
}

/**
 * Writes a configuration file like that of a member, with other values: of a further process of the same role.
 * `like` is the member's file in the cluster's folder, e.g. `consumer-1/process.json`.
 */
export function writeConfiguration(
  cluster: Cluster, like: string, file: string, changes: Readonly<Record<string, unknown>>,
): void {
  const content = JSON.parse(readFileSync(join(cluster.folder, like), 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...content, ...changes }));
}

/** Starts bin/resilog; what it says goes to the log file. */
export function startProgram(
  args: readonly string[], logFile: string, environment: Readonly<Record<string, string>> = {},
): Program {
  const log = openSync(logFile, 'a');
  const child: ChildProcess = spawn(join(checkout, 'bin', 'resilog'), args, {
    stdio: ['ignore', log, log], env: { ...process.env, ...environment },
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error('bin/resilog can not be started');
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return { pid, ended, signal: (name) => { child.kill(name); } };
}
