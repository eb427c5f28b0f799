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
  lines: number;
}

const HEAD_BYTES = 4_096;

export function progressFileOf(file: string): string {
  return `${file}.resilog-progress`;
}

/** The progress of an interrupted sending of this very file to this source, or a new one. */
export function openProgress(file: string, source: string, random: Random): SendProgress {
  const head = headOf(file);
  const path = progressFileOf(file);
  if (existsSync(path)) {
    const former = parse(path);
    if (former?.head === head && former.source === source && former.offset <= statSync(file).size) return former;
  }
  return { run: randomHex(random, 16), head, source, offset: 0, lines: 0 };
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

function headOf(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const length = readSync(descriptor, head, 0, HEAD_BYTES, 0);
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
