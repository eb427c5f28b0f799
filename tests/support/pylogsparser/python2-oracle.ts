import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pylogsparserFolder } from './installation';
import { type Outcome, RECEIVED_MS } from './outcome';

/** An interpreter of Python 2.7 that runs, or undefined: python2.7 of the PATH, else one that pyenv keeps. */
export function findPython2(): string | undefined {
  const versions = join(homedir(), '.pyenv', 'versions');
  const kept = existsSync(versions) ? readdirSync(versions).filter((name) => name.startsWith('2.7')) : [];
  return ['python2.7', ...kept.map((name) => join(versions, name, 'bin', 'python2.7'))]
    .find((python) => spawnSync(python, ['-c', 'import json, csv']).status === 0);
}

interface Answer {
  readonly tags: Readonly<Record<string, readonly [type: string, text: string]>>;
  readonly error: string | null;
}

/** What PyLogsParser itself makes of the lines. Rejects if it can't be run. */
export function askPylogsparser(python: string, lines: readonly string[]): Promise<readonly Outcome[]> {
  const oracle = join(__dirname, 'python2', 'oracle.py');
  const child = spawn(python, [oracle, pylogsparserFolder, String(RECEIVED_MS / 1_000)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A reading of Windows' clock is given in the machine's zone.
    env: { ...process.env, TZ: 'UTC' },
  });
  child.stdin.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  child.stdin.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(`the oracle ended with ${code}: ${stderr.slice(-2_000)}`));
      else resolve(stdout.split('\n').filter((line) => line !== '').map(outcomeOf));
    });
  });
}

function outcomeOf(line: string): Outcome {
  const { tags, error } = JSON.parse(line) as Answer;
  return {
    error,
    tags: Object.fromEntries(Object.entries(tags).map(([name, [type, text]]) => (
      [name, type === 'i' || type === 'f' ? ['n', String(Number(text))] : [type, text]]))),
  };
}
