import { expect } from 'chai';
import { Agent } from 'node:https';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { UnavailableError } from '../../../src/errors';
import { Stopwatch } from '../../support/stopwatch';
import { keyOf, startProducer, waitFor, type Running } from './support';

describe('intake over HTTPS', () => {
  let running: Running;
  let key: string;
  before(async () => {
    running = await startProducer();
    key = running.keys.add('web');
  });
  after(() => running.stop());

  it('answers 200 with lines, raw bytes and files when the lines are stored', async () => {
    const answer = await running.post(`/${key}`, 'one\ntwo\r\n\nthree');
    expect(answer.status).to.equal(200);
    expect(answer.json).to.deep.include({ lines: 3, bytes: 15 });
    expect(answer.json.files).to.have.length(1);
    expect(answer.json.files?.[0]).to.match(/^[0-9a-f]{24}$/);
    expect(await running.lines()).to.include.members(['one', 'two\r', 'three']);
    for (const name of ['server', 'x-powered-by']) expect(answer.headers).to.not.have.property(name);
  });

  it('takes the key from the path and both headers', async () => {
    const byHeaders = [{ 'x-resilog-key': key }, { authorization: `Bearer ${key}` }, { authorization: `bearer ${key}` }];
    for (const headers of byHeaders) expect((await running.post('/', 'x', { headers })).status).to.equal(200);
    expect((await running.post(`/${key}`, 'x', { headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status).to.equal(200);
  });

  it('answers with a code, a message and a remedy', async () => {
    const expected: readonly [string, number, string][] = [
      ['/', 401, 'key-missing'], [`/${keyOf('nobody')}`, 403, 'key-unknown'], ['/not-a-key', 403, 'key-unknown'],
    ];
    for (const [path, status, code] of expected) {
      const answer = await running.post(path, 'x');
      expect(answer.status).to.equal(status);
      expect(answer.json.error).to.include({ code });
      expect(answer.json.error?.remedy).to.be.a('string');
      expect(answer.headers.connection).to.equal('close');
    }
    const disabled = running.keys.add('disabled', { enabled: false });
    expect((await running.post(`/${disabled}`, 'x')).json.error?.code).to.equal('source-disabled');
    running.keys.available = false;
    const unavailable = await running.post(`/${key}`, 'x');
    running.keys.available = true;
    expect([unavailable.status, unavailable.headers['retry-after']]).to.deep.equal([503, '3']);
  });

  it('knows 404 from 405', async () => {
    expect((await running.post(`/${key}`, '', { method: 'GET' }))).to.deep.include({ status: 405 });
    expect((await running.post(`/${key}`, '', { method: 'GET' })).headers.allow).to.equal('POST');
    expect((await running.post('/healthz', 'x')).status).to.equal(405);
    expect((await running.post('/a/b', 'x')).status).to.equal(404);
    expect((await running.post('/', '', { method: 'DELETE' })).status).to.equal(405);
  });

  it('refuses an unknown key before the body is read: 1 GiB announced, none sent, an answer within a second', async () => {
    for (const headers of [{ 'content-length': 2 ** 30 }, { 'content-length': 2 ** 30, expect: '100-continue' }]) {
      const stopwatch = new Stopwatch();
      const answer = await running.post(`/${keyOf('nobody')}`, '', { headersOnly: true, headers });
      expect(stopwatch.ms).to.be.below(1_000);
      expect(answer).to.include({ status: 403, continued: false });
      expect(answer.headers.connection).to.equal('close');
    }
    const known = await running.post(`/${key}`, '', { headersOnly: true, headers: { 'content-length': 2 ** 30, expect: '100-continue' } });
    expect(known).to.include({ status: 413, continued: false });
  });

  it('asks for the body with 100-continue once the request is accepted', async () => {
    const answer = await running.post(`/${key}`, 'x\n', { headers: { expect: '100-continue' } });
    expect(answer).to.include({ status: 200, continued: true });
  });

  it('lets a client that still sends read the refusal', async () => {
    for (let round = 0; round < 5; round += 1) {
      const answer = await running.post(`/${keyOf('nobody')}`, Buffer.alloc(8 * 1024 * 1024, 'line\n'));
      expect(answer.status).to.equal(403);
    }
  });

  it('reads compressed bodies and refuses broken ones with 400, too large ones with 413', async () => {
    for (const [encoding, body] of [['gzip', gzipSync('g1\ng2')], ['zstd', zstdCompressSync('z1\nz2')]] as const) {
      const answer = await running.post(`/${key}`, body, { headers: { 'content-encoding': encoding } });
      expect(answer.json).to.include({ lines: 2, bytes: 6 });
    }
    const broken = await running.post(`/${key}`, gzipSync('x'.repeat(9_000)).subarray(0, 30), { headers: { 'content-encoding': 'gzip' } });
    expect(broken.status).to.equal(400);
    expect((await running.post(`/${key}`, 'x', { headers: { 'content-encoding': 'br' } })).status).to.equal(400);
    const bomb = gzipSync(Buffer.alloc(70 * 1024 * 1024, 'line of the bomb\n'));
    const bombed = await running.post(`/${key}`, bomb, { headers: { 'content-encoding': 'gzip' } });
    expect(bombed.status).to.equal(413);
    const long = await running.post(`/${key}`, Buffer.alloc(8 * 1024 * 1024 + 2, 'x'));
    expect([long.status, long.json.error?.code]).to.deep.equal([413, 'line-too-long']);
  });

  it('keeps every byte of a line', async () => {
    const line = Buffer.from(Array.from({ length: 256 }, (_value, byte) => byte).filter((byte) => byte !== 10));
    expect((await running.post(`/${key}`, line)).json).to.include({ lines: 1, bytes: 256 });
    expect(await running.lines()).to.include(line.toString('latin1'));
  });

  it('answers 408 to a body that does not arrive', async () => {
    running.settings.change({ intake: { bodyTimeoutMs: 1_000 } });
    const answer = await running.post(`/${key}`, '', { headersOnly: true, headers: { 'content-length': 100 } });
    running.settings.change({ intake: { bodyTimeoutMs: 60_000 } });
    expect(answer.status).to.equal(408);
  });

  it('frees the memory of clients that leave', async () => {
    const metric = async () => Number(/resilog_producer_memory_used_bytes (\d+)/.exec((await running.post('/metrics', '', { method: 'GET' })).body)?.[1]);
    const leaving = running.post(`/${key}`, '', { headersOnly: true, headers: { 'content-length': 1_000_000 }, timeoutMs: 300 });
    await leaving.catch(() => undefined);
    await waitFor(async () => (await metric()) === 0);
  });

  it('gives the same answer to a repeated Idempotency-Key, 422 with other lines, 413 above 16 MiB', async () => {
    const headers = { 'idempotency-key': 'batch-1' };
    const first = await running.post(`/${key}`, 'only once', { headers });
    const again = await running.post(`/${key}`, 'only once\n', { headers });
    expect(again.json).to.deep.equal(first.json);
    expect((await running.lines()).filter((line) => line === 'only once')).to.have.length(1);
    expect((await running.post(`/${key}`, 'other', { headers })).status).to.equal(422);
    const other = running.keys.add('other');
    expect((await running.post(`/${other}`, 'other', { headers })).status).to.equal(200);
    expect((await running.post(`/${key}`, Buffer.alloc(17 * 1024 * 1024, 'l\n'), { headers })).status).to.equal(413);
    expect((await running.post(`/${key}`, 'x', { headers: { 'idempotency-key': 'k'.repeat(256) } })).status).to.equal(400);
  });

  it('answers quotas with 429', async () => {
    const limited = running.keys.add('limited', { quotas: { requestsPerSecond: 0.2 } });
    const statuses: number[] = [];
    for (let round = 0; round < 4; round += 1) statuses.push((await running.post(`/${limited}`, 'x')).status);
    expect(statuses).to.deep.equal([200, 200, 429, 429]);
    expect((await running.post(`/${limited}`, 'x')).headers['retry-after']).to.match(/^[1-5]$/);
  });

  it('keeps connections alive', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let round = 0; round < 20; round += 1) {
      const answer = await running.post(`/${key}`, `alive ${round}`, { agent });
      expect(answer.status).to.equal(200);
      expect(answer.headers.connection).to.equal('keep-alive');
    }
    expect(Object.values(agent.sockets).length + Object.values(agent.freeSockets).flat().length).to.equal(1);
    agent.destroy();
  });

  it('shows its state', async () => {
    const get = (path: string) => running.post(path, '', { method: 'GET' });
    expect((await get('/healthz')).status).to.equal(200);
    expect((await get('/readyz')).body).to.equal('{"ready":true,"reasons":[]}');
    const metrics = (await get('/metrics')).body;
    for (const name of ['resilog_settings_version', 'resilog_producer_lines_total', 'resilog_producer_requests_total{status="200"}']) {
      expect(metrics).to.include(name);
    }
  });

  it('refuses with 503 when the storage is nearly full, and says why in /readyz', async () => {
    running.storage.usedFraction = 0.85;
    const [answer, readiness] = [await running.post(`/${key}`, 'x'), await running.post('/readyz', '', { method: 'GET' })];
    running.storage.usedFraction = 0.1;
    expect(answer.json.error?.code).to.equal('storage-full');
    expect(answer.headers).to.have.property('retry-after');
    expect(readiness.status).to.equal(503);
    expect(readiness.body).to.include('85 % full');
    expect((await running.post(`/${key}`, 'x')).status).to.equal(200);
  });
});

describe('intake with the archive down', () => {
  it('answers 503 and comes back by itself', async () => {
    let down = false;
    const volume = new MemoryVolume({ faults: () => { if (down) throw new UnavailableError('no primary'); } });
    const running = await startProducer({ volume });
    const key = running.keys.add('web');
    expect((await running.post(`/${key}`, 'x')).status).to.equal(200);
    down = true;
    for (let round = 0; round < 3; round += 1) {
      const answer = await running.post(`/${key}`, 'y');
      expect(answer.json.error?.code).to.equal('archive-unavailable');
      expect(answer.headers).to.have.property('retry-after');
    }
    down = false;
    await waitFor(async () => (await running.post(`/${key}`, 'z')).status === 200, 5_000);
    expect(await running.lines()).to.deep.equal(['x', 'z']);
    await running.stop();
  });

  it('finishes what it took when it is stopped, and refuses the rest', async () => {
    let release: () => void = () => undefined;
    const volume = new MemoryVolume({
      faults: async (effect, when) => {
        if (effect === 'journal.insert' && when === 'before') await new Promise<void>((resolve) => { release = resolve; });
      },
    });
    const running = await startProducer({ volume });
    const key = running.keys.add('web');
    const inWork = running.post(`/${key}`, 'x');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const agent = new Agent({ keepAlive: true });
    await running.post('/healthz', '', { method: 'GET', agent });
    const stopping = running.stop();
    release();
    expect((await inWork).status).to.equal(200);
    await stopping;
    await running.producer.close(1);
    agent.destroy();
    expect(await running.lines()).to.deep.equal(['x']);
    expect(await running.post(`/${key}`, 'late').then(() => 'answered', (error: NodeJS.ErrnoException) => error.code)).to.equal('ECONNREFUSED');
  });
});
