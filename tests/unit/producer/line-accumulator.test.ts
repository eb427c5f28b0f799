import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { limits } from '../../../src/limits';
import { BufferPool } from '../../../src/producer/buffer-pool';
import { IntakeError } from '../../../src/producer/intake-error';
import { LineAccumulator } from '../../../src/producer/line-accumulator';
import { MemoryBudget } from '../../../src/producer/body-budget';

const MiB = 1024 * 1024;

interface Options { maxBytes?: number; expectedBytes?: number; budget?: MemoryBudget }

async function accumulate(chunks: readonly Buffer[], options: Options = {}) {
  const budget = options.budget ?? new MemoryBudget(() => 200 * MiB, systemClock);
  const reservation = budget.open();
  const lines = new LineAccumulator({
    reservation, pool: new BufferPool(() => 32 * MiB), maxBytes: options.maxBytes ?? 64 * MiB,
    ...(options.expectedBytes === undefined ? {} : { expectedBytes: options.expectedBytes }),
  });
  for (const chunk of chunks) await lines.append(chunk);
  return { ...await lines.finish(), reservation, budget };
}

async function refusal(promise: Promise<unknown>): Promise<IntakeError> {
  const error: unknown = await promise.then(() => undefined, (thrown: unknown) => thrown);
  expect(error).to.be.instanceOf(IntakeError);
  return error as IntakeError;
}

/** The splitting rule, said in the plainest way. */
function reference(body: Buffer): Buffer[] {
  const kept: Buffer[] = [];
  for (let start = 0; start < body.length;) {
    const lf = body.indexOf(10, start);
    const line = body.subarray(start, lf === -1 ? body.length : lf);
    if (line.length > 0 && !(line.length === 1 && line[0] === 13)) kept.push(Buffer.concat([line, Buffer.from('\n')]));
    start = lf === -1 ? body.length : lf + 1;
  }
  return kept;
}

function cutAt(body: Buffer, size: () => number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let start = 0; start < body.length;) {
    const end = Math.min(body.length, start + size());
    chunks.push(body.subarray(start, end));
    start = end;
  }
  return chunks;
}

describe('LineAccumulator', () => {
  const text = async (chunks: string[]) => {
    const { runs, lines, bytes } = await accumulate(chunks.map((chunk) => Buffer.from(chunk)));
    return { text: Buffer.concat(runs.map((run) => run.raw)).toString(), lines, bytes };
  };

  it('ends the last line, keeps CR, skips what is empty', async () => {
    expect(await text(['a'])).to.deep.equal({ text: 'a\n', lines: 1, bytes: 2 });
    expect(await text(['a\n'])).to.deep.equal({ text: 'a\n', lines: 1, bytes: 2 });
    expect(await text(['a\r\nb\r\n'])).to.deep.equal({ text: 'a\r\nb\r\n', lines: 2, bytes: 6 });
    expect(await text(['\n\r\n\n', '\r', '\n'])).to.deep.equal({ text: '', lines: 0, bytes: 0 });
    expect(await text(['\r\r\n'])).to.deep.equal({ text: '\r\r\n', lines: 1, bytes: 3 });
    expect(await text(['\n\na\n\n', 'b', '\n\r\n', 'c\n'])).to.deep.equal({ text: 'a\nb\nc\n', lines: 3, bytes: 6 });
    expect(await text(['\0\xff\n'])).to.include({ lines: 1 });
    expect(await text([])).to.deep.equal({ text: '', lines: 0, bytes: 0 });
    // A body that ends in a bare CR has a line with nothing in it.
    expect(await text(['a\n\r'])).to.deep.equal({ text: 'a\n', lines: 1, bytes: 2 });
  });

  it('gives the same lines as the plain rule for any bytes and any chunks', async () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    for (let round = 0; round < 400; round += 1) {
      const body = Buffer.from(Array.from({ length: random(200) }, () => [10, 10, 13, 97, 98, 0][random(6)] ?? 0));
      const { runs, lines, bytes } = await accumulate(cutAt(body, () => 1 + random(9)),
        round % 2 === 0 ? {} : { expectedBytes: body.length });
      const wanted = reference(body);
      expect(Buffer.concat(runs.map((run) => run.raw)).equals(Buffer.concat(wanted))).to.equal(true, body.toString('hex'));
      expect(lines).to.equal(wanted.length);
      expect(bytes).to.equal(Buffer.concat(wanted).length);
    }
  });

  it('cuts large bodies into runs of whole lines of at most a block', async () => {
    const line = Buffer.from(`${'x'.repeat(1_000_003)}\n`);
    const body = Buffer.concat(Array.from({ length: 30 }, () => line));
    const { runs, lines, bytes } = await accumulate(cutAt(body, () => 100_000), { expectedBytes: body.length });
    expect(lines).to.equal(30);
    expect(bytes).to.equal(body.length);
    expect(runs.length).to.be.greaterThan(3);
    for (const run of runs) {
      expect(run.raw.length).to.be.at.most(limits.blockRawBytes);
      expect(run.raw.length % line.length).to.equal(0);
      expect(run.lines).to.equal(run.raw.length / line.length);
    }
  });

  it('takes a line of the largest size and refuses a longer one', async () => {
    const largest = Buffer.alloc(limits.lineBytes, 120);
    const { runs, lines } = await accumulate([Buffer.from('a\n'), largest, Buffer.from('\nb')]);
    expect(lines).to.equal(3);
    expect(Buffer.concat(runs.map((run) => run.raw)).length).to.equal(limits.lineBytes + 5);
    for (const run of runs) expect(run.raw.length).to.be.at.most(limits.blockRawBytes + 1);
    expect((await refusal(accumulate([Buffer.from('a\n'), largest, Buffer.from('x')]))).status).to.equal(413);
    expect((await refusal(accumulate([Buffer.from('a\n'), largest, Buffer.from('x\n')]))).status).to.equal(413);
  });

  it('refuses a body beyond the limit', async () => {
    expect((await accumulate([Buffer.from('ab\n')], { maxBytes: 3 })).lines).to.equal(1);
    expect((await refusal(accumulate([Buffer.from('abc\n')], { maxBytes: 3 }))).code).to.equal('body-too-large');
  });

  it('reserves every buffer before it makes it and stops when there is no more memory', async () => {
    const budget = new MemoryBudget(() => 4 * MiB, systemClock);
    const refused = await refusal(accumulate([Buffer.alloc(6 * MiB, 'line of text\n')], { budget }));
    expect(refused).to.include({ status: 413, code: 'body-too-large' });
    expect(budget.used).to.be.at.most(4 * MiB);
    const known = await accumulate([Buffer.alloc(2 * MiB, 'line of text\n')], { budget: new MemoryBudget(() => 3 * MiB, systemClock), expectedBytes: 2 * MiB });
    expect(known.reservation.bytes).to.be.at.least(2 * MiB);
    known.reservation.release();
    known.reservation.release();
    expect(known.budget.used).to.equal(0);
  });
});
