import { expect } from 'chai';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { systemClock } from '../../../src/clock';
import { encodingOf, readBody, reserveBody } from '../../../src/producer/body-reader';
import { BufferPool } from '../../../src/producer/buffer-pool';
import { IntakeError } from '../../../src/producer/intake-error';
import { MemoryBudget } from '../../../src/producer/body-budget';

const MiB = 1024 * 1024;
const pool = new BufferPool(() => 32 * MiB);

interface Fake { readonly request: IncomingMessage; readonly stream: PassThrough }

function fake(headers: Record<string, string>): Fake {
  const stream = new PassThrough();
  const request = Object.assign(stream, { headers, complete: false });
  stream.on('end', () => { request.complete = true; });
  return { request: request as unknown as IncomingMessage, stream };
}

async function read(chunks: readonly Buffer[], headers: Record<string, string> = {}, options: {
  maxBytes?: number; timeoutMs?: number; budget?: MemoryBudget; unfinished?: boolean;
} = {}) {
  const budget = options.budget ?? new MemoryBudget(() => 100 * MiB, systemClock);
  const { request, stream } = fake(headers);
  const reservation = budget.open();
  try {
    await reserveBody(reservation, request, options.maxBytes ?? 64 * MiB);
    const reading = readBody(request, reservation,
      { pool, clock: systemClock, maxBytes: options.maxBytes ?? 64 * MiB, timeoutMs: options.timeoutMs ?? 5_000 });
    for (const chunk of chunks) stream.write(chunk);
    if (!options.unfinished) stream.end();
    const body = await reading;
    return { ...body, text: Buffer.concat(body.runs.map((run) => run.raw)).toString() };
  } finally {
    reservation.release();
    expect(budget.used).to.equal(0);
  }
}

async function refusal(promise: Promise<unknown>): Promise<IntakeError> {
  const error: unknown = await promise.then(() => undefined, (thrown: unknown) => thrown);
  expect(error).to.be.instanceOf(IntakeError);
  return error as IntakeError;
}

/** In pieces of one, so that every header is met in every state. */
const single = (data: Buffer): Buffer[] => [...data].map((byte) => Buffer.from([byte]));

describe('readBody', () => {
  const text = 'first\nsecond\nthird';
  const stored = 'first\nsecond\nthird\n';

  for (const [encoding, compressed] of [
    ['identity', Buffer.from(text)], ['gzip', gzipSync(text)], ['x-gzip', gzipSync(text)], ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)], ['zstd', zstdCompressSync(text)],
    ['zstd', zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
  ] as const) {
    it(`reads ${encoding} whole and byte by byte`, async () => {
      expect(await read([compressed], { 'content-encoding': encoding })).to.include({ text: stored, lines: 3, bytes: stored.length });
      expect(await read(single(compressed), { 'content-encoding': encoding })).to.include({ text: stored, lines: 3 });
    });
  }

  it('reads every member of a concatenated body', async () => {
    const gzip = Buffer.concat([gzipSync('a\n'), gzipSync('b\n')]);
    expect(await read([gzip], { 'content-encoding': 'gzip' })).to.include({ text: 'a\nb\n' });
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const empty = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
    const zstd = Buffer.concat([skippable, zstdCompressSync('a\n'), empty, zstdCompressSync(Buffer.alloc(0)), zstdCompressSync('b\n')]);
    expect(await read([zstd], { 'content-encoding': 'zstd' })).to.include({ text: 'a\nb\n' });
    expect(await read(single(zstd), { 'content-encoding': 'zstd' })).to.include({ text: 'a\nb\n' });
  });

  it('refuses each cut-off body, whatever the encoding and wherever it is cut', async () => {
    const noise = Buffer.from(Array.from({ length: 300 }, (_value, index) => (index * 7919 + (index >> 3)) % 251));
    for (const [encoding, whole] of [['gzip', gzipSync(noise)], ['deflate', deflateSync(noise)], ['zstd', zstdCompressSync(noise)]] as const) {
      for (let length = 0; length < whole.length; length += 13) {
        const error = await refusal(read([whole.subarray(0, length)], { 'content-encoding': encoding }));
        expect(error.status, `${encoding} cut at ${length}`).to.equal(400);
      }
    }
  });

  it('refuses rubbish, trailing rubbish and unknown encodings with 400', async () => {
    const bad = Buffer.from('certainly not compressed');
    for (const encoding of ['gzip', 'zstd']) {
      expect((await refusal(read([bad], { 'content-encoding': encoding }))).status).to.equal(400);
    }
    expect((await refusal(read([zstdCompressSync('a\n'), bad], { 'content-encoding': 'zstd' }))).status).to.equal(400);
    expect((await refusal(read([gzipSync('a\n'), bad], { 'content-encoding': 'gzip' }))).status).to.equal(400);
    expect(() => encodingOf(fake({ 'content-encoding': 'gzip, zstd' }).request)).to.throw(IntakeError).with.property('status', 400);
    for (const name of ['toString', 'constructor', '__proto__']) {
      expect(() => encodingOf(fake({ 'content-encoding': name }).request), name).to.throw(IntakeError).with.property('status', 400);
    }
  });

  it('refuses what goes on behind the end of the compressed data, at once', async () => {
    const [zeros, gzip, deflate] = [Buffer.alloc(64), gzipSync('a\n'), deflateSync('a\n')];
    for (const [encoding, chunks] of [
      ['gzip', [Buffer.concat([gzip, zeros])]], ['gzip', [Buffer.concat([gzip, zeros, gzip])]], ['gzip', [gzip, zeros]],
      ['deflate', [Buffer.concat([deflate, deflate])]], ['deflate', [deflate, deflate]],
    ] as const) {
      const error = await refusal(read(chunks, { 'content-encoding': encoding }));
      expect(error, `${encoding} in ${chunks.length}`).to.include({ status: 400, code: 'unreadable-body' });
    }
  });

  it('refuses a transfer that is encoded by more than chunks', async () => {
    for (const transfer of ['gzip, chunked', 'gzip', 'chunked, chunked']) {
      const error = await refusal(read([gzipSync('a\n')], { 'transfer-encoding': transfer }));
      expect(error, transfer).to.include({ status: 400, code: 'unknown-encoding' });
    }
    expect(await read([Buffer.from('a\n')], { 'transfer-encoding': 'Chunked' })).to.include({ text: 'a\n' });
  });

  it('counts a request against the memory, however small its body is', async () => {
    const budget = new MemoryBudget(() => MiB, systemClock);
    for (let count = 1; count <= 4; count += 1) {
      await reserveBody(budget.open(), fake({ 'content-length': '2' }).request, MiB);
      expect(budget.used).to.equal(count * 8 * 1024);
    }
  });

  it('cuts a compression bomb at the limit', async () => {
    const line = Buffer.from(`${'0'.repeat(99)}\n`);
    const plain = Buffer.alloc(50 * MiB, line);
    for (const [encoding, bomb] of [['gzip', gzipSync(plain)], ['zstd', zstdCompressSync(plain)]] as const) {
      const error = await refusal(read([bomb], { 'content-encoding': encoding }, { maxBytes: 2 * MiB }));
      expect(error).to.include({ status: 413, code: 'body-too-large' });
      const starved = await refusal(read([bomb], { 'content-encoding': encoding }, { budget: new MemoryBudget(() => 12 * MiB, systemClock) }));
      expect(starved).to.include({ status: 413, code: 'body-too-large' });
      expect(starved.remedy).to.contain('intake.memoryBudgetBytes');
    }
  });

  it('refuses an announced length before it reads', async () => {
    const budget = new MemoryBudget(() => 10 * MiB, systemClock);
    const announce = (length: number) =>
      reserveBody(budget.open(), fake({ 'content-length': String(length) }).request, 64 * MiB);
    expect((await refusal(announce(65 * MiB))).status).to.equal(413);
    expect((await refusal(announce(11 * MiB))).message).to.contain(`the ${10 * MiB} bytes of memory`);
    expect(budget.used).to.equal(0);
  });

  it('gives up on a slow body with 408 and on a broken connection with 400', async () => {
    const slow = await refusal(read([Buffer.from('a\n')], {}, { timeoutMs: 30, unfinished: true }));
    expect(slow.status).to.equal(408);
    const { request, stream } = fake({});
    const reservation = new MemoryBudget(() => MiB, systemClock).open();
    const reading = refusal(readBody(request, reservation,
      { pool, clock: systemClock, maxBytes: MiB, timeoutMs: 1_000 }));
    stream.write('a\n');
    stream.destroy();
    expect((await reading).code).to.equal('body-incomplete');
  });
});
