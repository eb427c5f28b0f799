import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Clock } from '../../clock';
import type { Log } from '../../log';

interface Note {
  readonly pid: number;
  /** Tells the process from a later one with the same number. */
  readonly startedAt: string;
}

const POLITE_MS = 3_000;
const LIMIT_MS = 8_000;
const LOOK_MS = 100;

/**
 * Waits until the child that a killed launcher left is gone, so that the next one finds its port and its data
 * folder free. It is being ended by its guard; if that is gone too, we end it.
 */
export async function awaitFormerChild(file: string, clock: Clock, log: Log): Promise<void> {
  const note = readNote(file);
  if (note === undefined) return;
  const startedMs = clock.monotonic();
  let killed = false;
  while (startOf(note.pid) === note.startedAt) {
    const waitedMs = clock.monotonic() - startedMs;
    if (waitedMs === 0) log.warn('FormerChildAlive', { pid: note.pid });
    if (waitedMs > LIMIT_MS) return;
    if (!killed) signalGroup(note.pid, waitedMs > POLITE_MS ? 'SIGKILL' : 'SIGTERM');
    killed = waitedMs > POLITE_MS;
    await clock.sleep(LOOK_MS);
  }
  rmSync(file, { force: true });
}

/** Notes the child for the next launcher. Best effort: without /proc there is no note. */
export function noteChild(file: string, pid: number): void {
  const startedAt = startOf(pid);
  if (startedAt !== undefined) writeFileSync(file, JSON.stringify({ pid, startedAt } satisfies Note));
}

export function forgetChild(file: string): void {
  rmSync(file, { force: true });
}

function readNote(file: string): Note | undefined {
  try {
    const note = JSON.parse(readFileSync(file, 'utf8')) as Note;
    return Number.isInteger(note.pid) && note.pid > 1 ? note : undefined;
  } catch {
    return undefined;
  }
}

/** Start time of a living process in clock ticks (field 22 of /proc/<pid>/stat); undefined when it is gone. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the fields after it are plain.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone meanwhile.
  }
}
