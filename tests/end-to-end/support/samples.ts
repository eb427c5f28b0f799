import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../support/checkout';

/** Lines are compared as byte strings: some are in no known encoding. */
const ENCODING = 'latin1';

export interface Sample {
  readonly name: string;
  /** Without their LF, one character a byte. */
  readonly lines: readonly string[];
}

/** The log files under samples/, captured from real programs. */
export function samples(): readonly Sample[] {
  const folder = join(checkout, 'samples');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => ({ name, lines: linesOf(readFileSync(join(folder, name))) }));
}

export function linesOf(content: Buffer): string[] {
  return content.toString(ENCODING).split('\n').filter((line) => line !== '' && line !== '\r');
}

export function bodyOf(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\n')}\n`, ENCODING);
}

/** `count` lines of a sample, from its start again when it ends. */
export function* repeated(sample: Sample, count: number): Generator<string> {
  for (let i = 0; i < count; i += 1) yield sample.lines[i % sample.lines.length] ?? '';
}
