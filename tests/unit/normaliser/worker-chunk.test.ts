import { expect } from 'chai';
import type { PackedResults } from '../../../src/normaliser/packed-results';
import { treatment } from '../../../src/normaliser/pattern-control';
import type { NormalisedLine } from '../../../src/normaliser/ports';
import { WorkerChunk } from '../../../src/normaliser/worker-chunk';
import { unpackInputs } from '../../../src/normaliser/worker-protocol';
import { lineOf, packResults } from './results';

const RAW: NormalisedLine = { dateMs: undefined, found: '' };
const PATTERN = 7;

const tagged = (text: string): NormalisedLine => lineOf({ dateMs: undefined, matched: [], tags: { text } });

function chunkOf(...texts: readonly string[]): WorkerChunk & { readonly results: readonly NormalisedLine[] } {
  const inputs = texts.map((text) => ({ text, receivedMs: 0, timeZone: 'UTC' }));
  const results: NormalisedLine[] = [];
  const chunk = new WorkerChunk('v1', inputs, (all) => { results.push(...all); }, (error) => { throw error; });
  return Object.assign(chunk, { results });
}

function packed(chunk: WorkerChunk, results: readonly NormalisedLine[]): PackedResults {
  return packResults(results, unpackInputs(chunk.packedLeft));
}

describe('a chunk of lines over which threads die', () => {
  it('tries a pattern with ever more care at the line it was at, and gives the line back raw in the end', () => {
    const chunk = chunkOf('a', 'b', 'c');
    expect(chunk.blamePattern(1, PATTERN, [])).to.equal(treatment.ordinary);
    expect(chunk.care([]).lines).to.deep.equal(new Map([[1, [{ pattern: PATTERN, treatment: treatment.linear }]]]));
    expect(chunk.blamePattern(1, PATTERN, [])).to.equal(treatment.linear);
    expect(chunk.care([]).lines).to.deep.equal(new Map([[1, [{ pattern: PATTERN, treatment: treatment.skipped }]]]));
    expect(chunk.left).to.deep.equal([0, 1, 2]);
    expect(chunk.blamePattern(1, PATTERN, [])).to.equal(treatment.skipped);
    expect(chunk.left).to.deep.equal([0, 2]);
    chunk.finish(packed(chunk, [tagged('a'), tagged('c')]));
    expect(chunk.results).to.deep.equal([tagged('a'), RAW, tagged('c')]);
    expect(chunk.abandonedLines).to.equal(1);
  });

  it('begins with the care that the pattern has for all lines', () => {
    const chunk = chunkOf('a');
    const suspended = [{ pattern: PATTERN, treatment: treatment.linear }];
    expect(chunk.blamePattern(0, PATTERN, suspended)).to.equal(treatment.linear);
    expect(chunk.care([]).lines.get(0)).to.deep.equal([{ pattern: PATTERN, treatment: treatment.skipped }]);
  });

  it('counts what is special by the lines that are left', () => {
    const chunk = chunkOf('a', 'b', 'c');
    chunk.blamePattern(2, PATTERN, []);
    chunk.blameLine(0);
    expect([...chunk.care([]).lines.keys()], 'the third line is the second that is sent').to.deep.equal([1]);
  });

  it('gives a line back raw at once when the thread died there outside of any pattern', () => {
    const chunk = chunkOf('a', 'b');
    chunk.blameLine(0);
    expect(chunk.left).to.deep.equal([1]);
    chunk.finish(packed(chunk, [tagged('b')]));
    expect(chunk.results).to.deep.equal([RAW, tagged('b')]);
  });

  it('gives all lines back raw when threads die twice without a line to blame', () => {
    const chunk = chunkOf('a', 'b');
    chunk.blameNothing();
    expect(chunk.left).to.deep.equal([0, 1]);
    chunk.blameNothing();
    expect(chunk.left).to.deep.equal([]);
    chunk.finish(undefined);
    expect(chunk.results).to.deep.equal([RAW, RAW]);
    expect(chunk.abandonedLines).to.equal(2);
  });
});
