import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import type { Random } from '../random';
import { randomHex } from '../random';

/** How far the sending of a file came; kept beside it until all of it was acknowledged. */
export interface SendProgress {
  /** Names this sending; the idempotency keys derive from it, so that a resumed one repeats nothing. */
  readonly run: string;
  /** SHA-256 of the first bytes: another file under the same name is sent from its start. */
  readonly head: string;
  readonly source: string;
  /** Bytes of the file that were acknowledged. */
  offset: number;
  /** Bytes that are being sent: bodies are cut the same way again although the file has grown meanwhile. */
  end: number;
  lines: number;
}

const HEAD_BYTES = 4_096;

export function progressFileOf(file: string): string {
  return `${file}.resilog-progress`;
}

/**
 * The progress of an interrupted sending of this very file to this source, or a new one. It is stored before the first
 * byte is sent: a command that is killed and repeated uses the same idempotency keys from the first body on.
 */
export function openProgress(file: string, source: string, random: Random): SendProgress {
  const path = progressFileOf(file);
  if (existsSync(path)) {
    const former = parse(path);
    const end = Math.max(former?.offset ?? 0, former?.end ?? 0);
    const same = former?.source === source && end <= statSync(file).size && former.head === headOf(file, end);
    if (same) return { ...former, end };
  }
  const end = statSync(file).size;
  const progress = { run: randomHex(random, 16), head: headOf(file, end), source, offset: 0, end, lines: 0 };
  saveProgress(file, progress);
  return progress;
}

/** Written aside, synced, renamed: a crash leaves the former or the new one. */
export function saveProgress(file: string, progress: SendProgress): void {
  const path = progressFileOf(file);
  const aside = `${path}.new`;
  const descriptor = openSync(aside, 'w', 0o600);
  try {
    writeSync(descriptor, JSON.stringify(progress));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(aside, path);
}

export function dropProgress(file: string): void {
  rmSync(progressFileOf(file), { force: true });
}

/** Of the bytes that are sent only: a short file that has grown is still the same. */
function headOf(file: string, end: number): string {
  const descriptor = openSync(file, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const length = readSync(descriptor, head, 0, Math.min(HEAD_BYTES, end), 0);
    return createHash('sha256').update(head.subarray(0, length)).digest('hex');
  } finally {
    closeSync(descriptor);
  }
}

function parse(path: string): SendProgress | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as SendProgress;
  } catch {
    // A half-written or foreign file says nothing; the sending starts anew.
    return undefined;
  }
}
