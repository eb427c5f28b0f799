import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NormaliserChain } from '../../../src/normaliser/normaliser';
import { acceptedDifferences } from './accepted-differences';
import { pylogsparserChain } from './installation';
import { exampleLines, mutatedLines } from './mutated-lines';
import { differences, digestOf, type Outcome, ourOutcome } from './outcome';
import { askPylogsparser, findPython2 } from './python2-oracle';

/**
 * What PyLogsParser on Python 2.7 made of lines that every machine can make again from PyLogsParser's own examples:
 * for each line the digest of the tags. Where ours differ on purpose, it is that of ours, and the difference's name.
 */
interface Record {
  /** Digest of all lines. */
  readonly lines: string;
  readonly outcomes: readonly string[];
}

const FILE = join(__dirname, 'outcomes-of-pylogsparser-0.8.json');
const SEED = 8;
const COUNT = 3_000;

export function readRecord(): Record {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Record;
}

export function recordedLines(chain: NormaliserChain): { readonly lines: readonly string[]; readonly digest: string } {
  const lines = mutatedLines({ seeds: exampleLines(chain), seed: SEED, count: COUNT });
  return { lines, digest: createHash('sha256').update(JSON.stringify(lines)).digest('hex') };
}

export function outcomeCode(outcome: Outcome): string {
  return digestOf(outcome);
}

/** Makes the record anew; needs Python 2.7. Throws if a difference is not an accepted one. */
export async function record(): Promise<void> {
  const python = findPython2();
  if (python === undefined) throw new Error('python2.7 is not here');
  const chain = await pylogsparserChain();
  const { lines, digest } = recordedLines(chain);
  const theirs = await askPylogsparser(python, lines);
  const outcomes = lines.map((line, index) => {
    const [our, their] = [ourOutcome(chain, line), theirs[index] as Outcome];
    const found = differences(our, their);
    if (found.length === 0) return outcomeCode(our);
    const accepted = acceptedDifferences.find((difference) => difference.accounts(line, found, their));
    if (accepted === undefined) throw new Error(`${JSON.stringify(line)}: ${JSON.stringify(found)} ${their.error ?? ''}`);
    return `${outcomeCode(our)} ${accepted.name}`;
  });
  writeFileSync(FILE, `${JSON.stringify({ lines: digest, outcomes }, undefined, 0).replaceAll('",', '",\n')}\n`);
}
