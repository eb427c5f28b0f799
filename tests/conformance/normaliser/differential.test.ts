import { expect } from 'chai';
import type { NormaliserChain } from '../../../src/normaliser/normaliser';
import { acceptedDifferences } from '../../support/pylogsparser/accepted-differences';
import { pylogsparserChain, sampleLines } from '../../support/pylogsparser/installation';
import { exampleLines, mutatedLines } from '../../support/pylogsparser/mutated-lines';
import { differences, type Outcome, ourOutcome } from '../../support/pylogsparser/outcome';
import { askPylogsparser, findPython2 } from '../../support/pylogsparser/python2-oracle';
import { outcomeCode, readRecord, recordedLines } from '../../support/pylogsparser/recorded-outcome';

/** Another seed gives other lines: set LINES_SEED to look further than this test does. */
const SEED = Number(process.env.LINES_SEED ?? 20_261_122);
const COUNT = Number(process.env.LINES_COUNT ?? 5_000);

interface Class {
  count: number;
  readonly example: string;
}

describe('tags of mutated and mixed lines', function suite() {
  this.timeout(600_000);
  let chain: NormaliserChain;

  before(async () => {
    chain = await pylogsparserChain();
  });

  it('are those that PyLogsParser gave when they were recorded', () => {
    const record = readRecord();
    const { lines, digest } = recordedLines(chain);
    expect(digest, 'the lines are those of the record; else make it anew').to.equal(record.lines);
    const codes = lines.map((line) => outcomeCode(ourOutcome(chain, line)));
    expect(codes.length).to.be.greaterThan(500);
    const wrong = lines.filter((_, index) => codes[index] !== record.outcomes[index]?.split(' ')[0]);
    expect(wrong.slice(0, 5), `${wrong.length} lines have other tags than recorded`).to.deep.equal([]);
  });

  it('are those that PyLogsParser gives now, where Python 2.7 is present', async () => {
    const python = findPython2();
    if (python === undefined) {
      say('      python2.7 is not here: only the recorded outcome was compared');
      return;
    }
    const lines = mutatedLines({ seeds: [...exampleLines(chain), ...sampleLines(8)], seed: SEED, count: COUNT });
    const theirs = await askPylogsparser(python, lines);
    expect(theirs.length).to.equal(lines.length);
    const { equal, accepted, unexplained } = compare(chain, lines, theirs);
    report(lines.length, equal, accepted, theirs);
    expect(unexplained.slice(0, 10), `${unexplained.length} lines have other tags`).to.deep.equal([]);
    // Many lines have to say something: one that both leave alone proves little.
    expect(theirs.filter(({ tags }) => Object.keys(tags).length > 2).length).to.be.greaterThan(lines.length * 0.4);
  });
});

function compare(chain: NormaliserChain, lines: readonly string[], theirs: readonly Outcome[]): {
  equal: number; accepted: ReadonlyMap<string, Class>; unexplained: readonly string[];
} {
  const accepted = new Map<string, Class>();
  const unexplained: string[] = [];
  let equal = 0;
  lines.forEach((line, index) => {
    const their = theirs[index] as Outcome;
    const found = differences(ourOutcome(chain, line), their);
    const example = `${JSON.stringify(line)}: ${JSON.stringify(found)} ${their.error ?? ''}`;
    const name = acceptedDifferences.find((difference) => difference.accounts(line, found, their))?.name;
    if (found.length === 0) {
      equal += 1;
    } else if (name === undefined) {
      unexplained.push(example);
    } else {
      const known = accepted.get(name) ?? { count: 0, example };
      known.count += 1;
      accepted.set(name, known);
    }
  });
  return { equal, accepted, unexplained };
}

function report(count: number, equal: number, accepted: ReadonlyMap<string, Class>, theirs: readonly Outcome[]): void {
  const ended = theirs.filter(({ error }) => error !== null).length;
  say(`      ${count} lines compared, ${equal} equal; PyLogsParser’s chain ended early on ${ended}`);
  for (const { name, reason } of acceptedDifferences) {
    const found = accepted.get(name);
    if (found === undefined) continue;
    say(`      ${found.count} differ by "${name}": ${reason}; e.g. ${found.example.slice(0, 400)}`);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
