import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { exchange, rawConnection, statusesIn, tcpConnection, type RawConnection } from './raw-client';
import { keyOf, startProducer, waitFor, type Running } from './support';

const BODY_TIMEOUT_MS = 4_000;
const IDLE_CONNECTIONS = 1_000;
const AT_ONCE = 16;

let running: Running;
let key: string;

const head = (lines: readonly string[], path = `/${key}`): string =>
  [`POST ${path} HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n');
const chunked = (body: Buffer): Buffer => Buffer.concat([
  Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n'),
]);
const request = (headers: readonly string[], body: Buffer): Buffer => Buffer.concat([Buffer.from(head(headers)), body]);

/** Calls for each value, some at a time. */
async function forEach<T>(values: readonly T[], call: (value: T) => Promise<void>): Promise<void> {
  const left = [...values.entries()];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await call(next[1]);
  }));
}

/** Sends one byte a second until the connection is closed; gives the answer and how long that took. */
async function trickle(first: string, byte: string): Promise<{ text: string; ms: number }> {
  const connection = await rawConnection(running.port);
  const startedMs = performance.now();
  connection.socket.write(first);
  const timer = setInterval(() => { connection.socket.write(byte); }, 1_000);
  const text = await connection.ended(40_000);
  clearInterval(timer);
  return { text, ms: performance.now() - startedMs };
}

/** Is refused in the middle of a body, sends the rest late and goes on; gives the statuses of the first seconds. */
async function refusedEarly(forMs: number): Promise<readonly number[]> {
  const connection = await rawConnection(running.port);
  connection.socket.write(request(['Content-Length: 2000', 'Content-Encoding: gzip'], Buffer.alloc(1_000, 'x')));
  await waitFor(() => statusesIn(connection.received()).length === 1, 10_000);
  connection.socket.write(Buffer.alloc(1_000, 'x'));
  const endMs = performance.now() + forMs;
  for (let sent = 1; performance.now() < endMs && !connection.socket.destroyed; sent += 1) {
    connection.socket.write(request(['Content-Length: 5'], Buffer.from('a line'.slice(0, 5))));
    await waitFor(() => statusesIn(connection.received()).length > sent || connection.socket.destroyed, 10_000);
    await new Promise((resolve) => { setTimeout(resolve, 250); });
  }
  connection.socket.destroy();
  return statusesIn(connection.received());
}

describe('intake and hostile clients', function () {
  this.timeout(60_000);
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown): void => { rejections.push(reason); };
  /** What takes long for itself goes on while the other tests run. */
  let slowHeaders: Promise<{ text: string; ms: number }>;
  let slowBody: Promise<{ text: string; ms: number }>;
  /** Refused already, with a body that is not wanted. */
  let slowRest: Promise<{ text: string; ms: number }>;
  /** Refused in the middle of a body, and in order from there on. */
  let refused: Promise<readonly number[]>;
  let idle: readonly RawConnection[];

  before(async () => {
    process.on('unhandledRejection', onRejection);
    running = await startProducer({ settings: { intake: { bodyTimeoutMs: BODY_TIMEOUT_MS } } });
    key = running.keys.add('web');
    slowHeaders = trickle('POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ', 'x');
    slowBody = trickle(head(['Content-Length: 1000']), 'b');
    slowRest = trickle(head(['Content-Length: 1000', 'Content-Encoding: br']), 'b');
    refused = refusedEarly(7_000);
    idle = await Promise.all(Array.from({ length: IDLE_CONNECTIONS }, () => tcpConnection(running.port)));
  });
  after(async () => {
    for (const { socket } of idle) socket.destroy();
    await running.stop();
    process.off('unhandledRejection', onRejection);
  });
  afterEach('it is alive', async () => {
    const line = `alive ${randomBytes(8).toString('hex')}`;
    expect((await running.post(`/${key}`, line)).status).to.equal(200);
    expect(rejections).to.deep.equal([]);
  });

  const body = (tag: string): Buffer => Buffer.from(`cut ${tag} first\ncut ${tag} second\n`);
  const forms: Readonly<Record<string, (lines: Buffer) => Buffer>> = {
    'Content-Length': (lines) => request([`Content-Length: ${lines.length}`], lines),
    'chunks': (lines) => request(['Transfer-Encoding: chunked'], Buffer.concat([Buffer.from('4\r\ncut \r\n'), chunked(lines.subarray(4))])),
    'gzip': (lines) => request([`Content-Length: ${gzipSync(lines).length}`, 'Content-Encoding: gzip'], gzipSync(lines)),
    'zstd chunks': (lines) => request(['Transfer-Encoding: chunked', 'Content-Encoding: zstd'], chunked(zstdCompressSync(lines))),
    'deflate chunks': (lines) => request(['Transfer-Encoding: chunked', 'Content-Encoding: deflate'], chunked(deflateSync(lines))),
  };
  for (const [name, form] of Object.entries(forms)) {
    it(`have nothing acknowledged or stored of a request that is cut off at any byte (${name})`, async () => {
      const lines = async (): Promise<string[]> => (await running.lines()).filter((line) => line.startsWith(`cut ${name} `));
      const bytes = form(body(name));
      const from = name === 'Content-Length' ? 0 : bytes.indexOf('\r\n\r\n');
      await forEach(Array.from({ length: bytes.length - from }, (_, index) => from + index), async (length) => {
        const answer = await exchange(running.port, bytes.subarray(0, length), length % 2 === 0 ? 'end' : 'destroy');
        expect(statusesIn(answer).filter((status) => status < 400), `cut at ${length}`).to.deep.equal([]);
      });
      expect(await lines()).to.deep.equal([]);
      const whole = Buffer.from(bytes.toString('latin1').replace('Host: x', 'Host: x\r\nConnection: close'), 'latin1');
      expect(statusesIn(await exchange(running.port, whole, 'keep')), 'whole').to.deep.equal([200]);
      expect(await lines()).to.deep.equal([`cut ${name} first`, `cut ${name} second`]);
    });
  }

  const smuggled = 'POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';
  const ambiguous: Readonly<Record<string, readonly string[]>> = {
    'Content-Length and Transfer-Encoding': ['Content-Length: 4', 'Transfer-Encoding: chunked'],
    'Transfer-Encoding and Content-Length': ['Transfer-Encoding: chunked', 'Content-Length: 4'],
    'two lengths': ['Content-Length: 4', 'Content-Length: 8'],
    'the same length twice': ['Content-Length: 4', 'Content-Length: 4'],
    'a list of lengths': ['Content-Length: 4, 4'],
    'a signed length': ['Content-Length: +4'],
    'a negative length': ['Content-Length: -4'],
    'a length in hexadecimal': ['Content-Length: 0x4'],
    'a length with a fraction': ['Content-Length: 4.0'],
    'a length beyond all numbers': [`Content-Length: ${'9'.repeat(30)}`],
    'an empty length': ['Content-Length:'],
    'chunked not as the last coding': ['Transfer-Encoding: chunked, identity'],
    'an unknown transfer coding': ['Transfer-Encoding: xchunked'],
    'a transfer coding behind a vertical tab': ['Transfer-Encoding: \x0bchunked'],
    'a space before the colon': ['Transfer-Encoding : chunked'],
    'a folded header': ['X-Folded: a', ' Transfer-Encoding: chunked'],
    'a header without a colon': ['Transfer-Encoding chunked'],
    'a NUL in a header': ['X-Nul: a\0b'],
    'a bare CR in a header': ['X-Cr: a\rTransfer-Encoding: chunked'],
  };
  it('get 400 and a closed connection for whatever could be read in two ways; nothing behind it is read', async () => {
    await forEach(Object.entries(ambiguous), async ([name, headers]) => {
      const answer = await exchange(running.port, Buffer.from(`${head(headers)}0\r\n\r\nsmuggled line\n${smuggled}`, 'latin1'), 'keep');
      expect(statusesIn(answer), name).to.deep.equal([400]);
    });
    expect((await running.lines()).filter((line) => line.includes('smuggled'))).to.deep.equal([]);
  });

  it('get 400 or 413 for chunks that are none, and nothing of them is stored', async () => {
    const chunks = [
      'ffffffffffffffff1\r\nbad chunk', '-4\r\nbad chunk', '0x4\r\nbad chunk\r\n0\r\n\r\n', 'g\r\nbad chunk', '\r\nbad chunk',
      '9\r\nbad chunk0\r\n\r\n', '9\r\nbad chunkX\r\n0\r\n\r\n', '9\nbad chunk\n0\n\n', `9;${'x'.repeat(20_000)}\r\nbad chunk\r\n0\r\n\r\n`,
    ];
    await forEach(chunks, async (text) => {
      const answer = await exchange(running.port, head(['Transfer-Encoding: chunked']) + text + smuggled, 'keep');
      expect(statusesIn(answer), text.slice(0, 40)).to.have.length(1);
      expect(statusesIn(answer)[0], text.slice(0, 40)).to.be.oneOf([400, 413]);
    });
    expect((await running.lines()).filter((line) => line.includes('bad chunk'))).to.deep.equal([]);
  });

  it('that pipeline get every answer in its order, up to the first request that is broken', async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `pipelined ${index}`);
    const posts = texts.map((text) => request([`Content-Length: ${text.length}`], Buffer.from(text)));
    const broken = request(['Content-Length: x'], Buffer.from('pipelined and broken'));
    const after = request(['Content-Length: 15'], Buffer.from('pipelined after'));
    const answers = await exchange(running.port, Buffer.concat([...posts, broken, after]), 'keep');
    const statuses = statusesIn(answers);
    expect(statuses.filter((status) => status === 200).length).to.be.at.most(20);
    const stored = (await running.lines()).filter((line) => line.startsWith('pipelined'));
    expect(new Set(stored).size, 'none twice').to.equal(stored.length);
    expect(stored, 'none of the broken one or behind it').to.have.members(texts.slice(0, stored.length));
    expect(stored.length).to.be.at.least(statuses.filter((status) => status === 200).length);
    const whole = await rawConnection(running.port);
    whole.socket.write(Buffer.concat(texts.map((_, index) => request(['Content-Length: 7'], Buffer.from(`whole${String(index).padStart(2, '0')}`)))));
    await waitFor(() => statusesIn(whole.received()).length === 20);
    whole.socket.destroy();
    expect(statusesIn(whole.received())).to.deep.equal(texts.map(() => 200));
    expect((await running.lines()).filter((line) => line.startsWith('whole'))).to.deep.equal(
      texts.map((_, index) => `whole${String(index).padStart(2, '0')}`));
  });

  it('that flood with headers get 431: none is dropped that would change what the request means', async () => {
    const many = Array.from({ length: 120 }, (_, index) => `X-${index}: y`);
    const zipped = gzipSync('flooded');
    const flooded = await exchange(running.port,
      request([...many, `Content-Length: ${zipped.length}`, 'Content-Encoding: gzip', 'Connection: close'], zipped), 'keep');
    expect(statusesIn(flooded)).to.deep.equal([431]);
    const large = await exchange(running.port, head([`X-Large: ${'x'.repeat(20_000)}`]), 'keep');
    expect(statusesIn(large)).to.deep.equal([431]);
    const before = (await running.lines()).length;
    const allowed = await exchange(running.port, request(
      [...many.slice(0, 90), `Content-Length: ${zipped.length}`, 'Content-Encoding: gzip', 'Connection: close'], zipped), 'keep');
    expect(statusesIn(allowed)).to.deep.equal([200]);
    expect((await running.lines()).slice(before)).to.deep.equal(['flooded']);
  });

  it('find nothing by tricks with paths', async () => {
    const paths = [
      `/../${key}`, `/./${key}`, `/x/../${key}`, `/%2e%2e/${key}`, `/%2f${key}`, `/${key}%2f`, `/${key}%00`, `/${key}/x`, `//${key}`,
      `/${key.toUpperCase()}`, `/${key}x`, `/${key.slice(1)}`, '/%', '/%zz', '/%ff%fe', '/%00', `/${'a'.repeat(15_000)}`, '/healthz/../',
      '/__proto__', '/constructor', '*', `\\${key}`, `/;${key}`,
    ];
    await forEach(paths, async (path) => {
      const answer = await exchange(running.port, `${head(['Content-Length: 10', 'Connection: close'], path)}path trick`, 'keep');
      const statuses = statusesIn(answer);
      expect(statuses, path.slice(0, 80)).to.have.length(1);
      expect(statuses[0], path.slice(0, 80)).to.be.within(400, 431);
      expect(answer, 'no key is told').to.not.include(key);
    });
    expect((await running.lines()).filter((line) => line.includes('path trick'))).to.deep.equal([]);
  });

  it('that speak anything but TLS are cut off', async () => {
    const garbage = [Buffer.from(head([])), randomBytes(5_000), Buffer.from('1603010200', 'hex'), Buffer.from('160301ffff01', 'hex'), Buffer.alloc(9)];
    await forEach(garbage, async (bytes) => {
      const connection = await tcpConnection(running.port);
      connection.socket.end(bytes);
      expect(statusesIn(await connection.ended())).to.deep.equal([]);
    });
  });

  it('can not renegotiate', async () => {
    const connection = await rawConnection(running.port, { maxVersion: 'TLSv1.2' });
    const socket = connection.socket as TLSSocket;
    const outcome = await new Promise<string>((resolve) => {
      socket.once('close', () => { resolve('closed'); });
      socket.renegotiate({ rejectUnauthorized: false }, (error) => { resolve(error === null ? 'renegotiated' : 'refused'); });
    });
    socket.destroy();
    expect(outcome).to.be.oneOf(['refused', 'closed']);
  });

  it('that send a byte a second get 408 when their time is over, in headers and in bodies', async () => {
    const [headers, slow, rest] = await Promise.all([slowHeaders, slowBody, slowRest]);
    expect(statusesIn(rest.text), 'refused at once, and the rest is not waited for either').to.deep.equal([400]);
    expect(rest.ms).to.be.below(15_000);
    expect(statusesIn(slow.text)).to.deep.equal([408]);
    expect(slow.ms).to.be.within(BODY_TIMEOUT_MS - 500, BODY_TIMEOUT_MS + 10_000);
    expect(statusesIn(headers.text)).to.deep.equal([408]);
    expect(headers.ms).to.be.below(35_000);
  });

  it('that were refused in the middle of a body keep their connection, if they send the rest in time', async () => {
    const [first, ...others] = await refused;
    expect(first).to.equal(400);
    expect(others.length).to.be.greaterThan(10);
    expect(new Set(others)).to.deep.equal(new Set([200]));
  });

  it(`that only connect, ${IDLE_CONNECTIONS} of them, are cut off, and meanwhile nobody waited for them`, async () => {
    await waitFor(() => idle.every(({ socket }) => socket.destroyed), 30_000);
    expect((await running.post(`/${keyOf('nobody')}`, 'x')).status).to.equal(403);
  });
});
