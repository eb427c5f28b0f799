import { expect } from 'chai';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../support/cluster';
import { checkout } from '../support/checkout';
import { fetchText, post } from './support/client';
import { linesOf } from './support/samples';
import { until } from '../support/wait';

interface Found {
  readonly id: string;
  readonly fileID: string;
  readonly line: number;
  readonly source: string;
  readonly date: string;
  readonly message: string;
  readonly tags: Record<string, string>;
}

describe('a cluster used from the command line', function () {
  this.timeout(600_000);
  let cluster: Cluster;
  let folder: string;

  const resilog = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.resilog(args);
    expect(code, `resilog ${args.join(' ')}: ${stderr}`).to.equal(0);
    return stdout;
  };
  const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await resilog(...args, '--json')) as T;
  const ndjson = async <T>(...args: string[]): Promise<T[]> =>
    (await resilog(...args, '--json')).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as T);
  const addSource = (name: string, ...options: string[]): Promise<{ name: string; key: string; urls: string[] }> =>
    json('source', 'add', name, ...options);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'resilog-test-'));
    cluster = await startCluster();
  });

  after(async () => {
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('says that it is ready, with every component, queue and journal', async () => {
    const status = await json<{
      ready: boolean; components: { kind: string; address: string; state: string; pid: number }[];
      queue: { depth: number; dead: number }; journal: { documents: number };
    }>('status');
    expect(status.ready).to.equal(true);
    const kinds = status.components.map(({ kind }) => kind).sort();
    expect(kinds).to.deep.equal(['Consumer', 'Consumer', 'MongoDB', 'Producer', 'SolrCloud', 'ZooKeeper']);
    for (const { address, state, pid } of status.components) {
      expect(address).to.match(/^\[::1\]:\d+$/);
      expect(state).to.equal('up');
      expect(pid).to.be.greaterThan(1);
    }
    expect(status.queue).to.deep.equal({ depth: 0, dead: 0 });
    expect(status.journal).to.deep.equal({ documents: 0 });
  });

  it('finds, shows and exports real lines that were sent', async () => {
    const file = join(checkout, 'samples', 'sshd.rfc3164.log');
    const lines = linesOf(await readFile(file));
    const { name, key, urls } = await addSource('login');
    expect(name).to.equal('login');
    expect(key).to.match(/^[0-9a-f]{64}$/);
    expect(urls[0]).to.equal(`https://[::1]:${cluster.basePort + 51}/${key}`);
    const sent = await json<{ lines: number; requests: number }>('send', file, '--source', 'login');
    expect(sent.lines).to.equal(lines.length);
    await resilog('wait', '--idle', '--timeout', '240');
    expect(await json('search', 'source:login', '--count')).to.deep.equal({ count: lines.length });

    const found = await ndjson<Found>('search', '"Failed password"', '--source', 'login', '--all');
    expect(found.length).to.equal(lines.filter((line) => /failed password/i.test(line)).length);
    expect(found.length).to.be.greaterThan(10);
    for (const hit of found) {
      expect(hit.id).to.equal(`${hit.fileID}!${hit.line}`);
      expect(hit).to.include({ source: 'login' });
      expect(hit.tags.program).to.equal('sshd');
      expect(hit.message).to.include('Failed password');
    }
    const one = found[0];
    if (one === undefined) throw new Error('nothing found');
    expect((await resilog('show', one.id, '--raw')).trimEnd()).to.equal(one.message);

    const files = await ndjson<{
      id: string; Lines: number; RemLines: number; Position: number; bytes: number; sha256: string;
    }>('file', 'list', '--source', 'login');
    expect(files.reduce((sum, { Lines }) => sum + Lines, 0)).to.equal(lines.length);
    const exported: string[] = [];
    for (const { id, Lines, RemLines, Position, bytes, sha256 } of files) {
      expect([RemLines, Position]).to.deep.equal([Lines, Lines]);
      const content = await resilog('file', 'export', id);
      expect(Buffer.byteLength(content)).to.equal(bytes);
      expect(createHash('sha256').update(content).digest('hex')).to.equal(sha256);
      exported.push(...linesOf(Buffer.from(content)));
    }
    expect(exported.sort()).to.deep.equal([...lines].sort());
  });

  it('pages, sorts, counts facets and writes CSV', async () => {
    const facets = await resilog('search', '*', '--source', 'login', '--facet', 'program', '--rows', '1', '--json');
    const last = JSON.parse(facets.trimEnd().split('\n').at(-1) ?? '') as
      { facets: { program: { value: string; count: number }[] } };
    expect(last.facets.program.map(({ value }) => value)).to.include('sshd');
    const page = await cluster.resilog(['search', '*', '--source', 'login', '--rows', '5', '--json']);
    const cursor = /--cursor (\S+)/.exec(page.stderr)?.[1] ?? '';
    const next = await ndjson<Found>('search', '*', '--source', 'login', '--rows', '5', '--cursor', cursor);
    const firstIds = page.stdout.trim().split('\n').map((line) => (JSON.parse(line) as Found).id);
    expect(next).to.have.length(5);
    expect(next.some(({ id }) => firstIds.includes(id))).to.equal(false);
    const csv = (await resilog('search', '"Failed password"', '--source', 'login', '--csv', '--rows', '3')).trimEnd().split('\n');
    expect(csv[0]).to.match(/^id,date,received,source,message,.*program/);
    expect(csv).to.have.length(4);
  });

  it('keeps any bytes as they came', async () => {
    const { urls } = await addSource('bytes');
    const odd = [
      Buffer.from([0x00, 0x01, 0xff, 0xfe]), Buffer.from('carriage return\r'), Buffer.from('caf\xe9', 'latin1'),
      Buffer.from(`long ${'x'.repeat(100_000)}`),
    ];
    const body = Buffer.concat([...odd.flatMap((line) => [line, Buffer.from('\n')]), Buffer.from('\n\r\n'), Buffer.from('last')]);
    const answer = await post(urls[0] ?? '', body);
    expect(answer.status, answer.body).to.equal(200);
    expect(JSON.parse(answer.body)).to.include({ lines: 5 });
    await resilog('wait', '--idle', '--timeout', '240');
    expect(await json('search', '*', '--source', 'bytes', '--count')).to.deep.equal({ count: 5 });
    const [file] = await ndjson<{ id: string; bytes: number }>('file', 'list', '--source', 'bytes');
    expect(file?.bytes).to.equal([...odd, Buffer.from('last')].reduce((sum, line) => sum + line.length + 1, 0));
    const { stdout } = await cluster.resilog(['show', `${file?.id ?? ''}!1`, '--json']);
    expect((JSON.parse(stdout) as { base64: string }).base64).to.equal(Buffer.from('carriage return\r\n').toString('base64'));
  });

  it('authenticates by path, header, bearer and client certificate, and by two keys while a rotation overlaps', async () => {
    const former = await addSource('rotating', '--out', folder);
    const url = new URL(former.urls[0] ?? '');
    const base = `https://${url.host}/`;
    const certificate = await readFile(join(folder, 'rotating.crt'));
    const der = new X509Certificate(certificate).raw;
    expect(createHash('sha256').update(der).digest('hex')).to.equal(former.key);
    expect((await post(former.urls[0] ?? '', Buffer.from('path\n'))).status).to.equal(200);
    expect((await post(base, Buffer.from('a\n'), { headers: { Authorization: `Bearer ${former.key}` } })).status).to.equal(200);
    expect((await post(base, Buffer.from('b\n'), { headers: { 'X-Resilog-Key': former.key } })).status).to.equal(200);
    const rotated = await json<{ key: string }>('source', 'rotate', 'rotating', '--overlap', '24h');
    expect(rotated.key).to.not.equal(former.key);
    const answers = async (status: number): Promise<boolean> => {
      const found = await Promise.all([former.key, rotated.key].map((key) => post(base + key, Buffer.from('c\n'))));
      return found.every((answer) => answer.status === status);
    };
    await until('both keys are taken', 5_000, () => answers(200));
    await resilog('source', 'disable', 'rotating');
    await until('both keys are refused', 5_000, () => answers(403));
    expect((await post(base, Buffer.from('e\n'))).status).to.equal(401);
  });

  it('changes a setting live, and refuses a wrong one without changing anything', async () => {
    const before = await json<{ version: number }>('config', 'list');
    await resilog('config', 'set', 'files.maxAgeMs=2000');
    const known = new RegExp(`resilog_settings_version ${before.version + 1}\\b`);
    await until('the consumer knows the setting', 2_000, async () =>
      known.test(await fetchText(`http://[::1]:${cluster.basePort + 71}/metrics`)));
    const wrong = await cluster.resilog(['config', 'set', 'files.maxAge=1']);
    expect(wrong.code).to.equal(64);
    expect(wrong.stderr).to.include('files.maxAgeMs');
    const refused = await cluster.resilog(['config', 'set', 'files.maxAgeMs=-1']);
    expect(refused.code).to.equal(64);
    expect((await json<{ value: number }>('config', 'get', 'files.maxAgeMs')).value).to.equal(2_000);
  });

  it('deletes a source\'s lines from both stores and leaves the others alone', async () => {
    const file = join(folder, 'delete.log');
    await writeFile(file, Array.from({ length: 5_000 }, (_, i) => `<13>1 2026-01-01T00:00:00Z h p - - - line ${i}`).join('\n'));
    await addSource('doomed');
    await resilog('send', file, '--source', 'doomed');
    await resilog('wait', '--verified', '--timeout', '240');
    const others = await json<{ count: number }>('search', 'source:login', '--count');
    expect(await json('delete', '*', '--source', 'doomed', '--dry-run')).to.include({ lines: 5_000 });
    const deleted = await json<{ lines: number }>('delete', '*', '--source', 'doomed', '--yes');
    expect(deleted.lines).to.equal(5_000);
    await until('no deleted line is found', 10_000, async () =>
      (await json<{ count: number }>('search', '*', '--source', 'doomed', '--count')).count === 0);
    expect(await ndjson('file', 'list', '--source', 'doomed')).to.deep.equal([]);
    expect(await json('search', 'source:login', '--count')).to.deep.equal(others);
  });

  it('names what is wrong and what to do, with the documented exit codes', async () => {
    for (const [args, code, text] of [
      [['source', 'show', 'nobody'], 66, 'resilog source list'],
      [['source', 'add', 'login'], 73, 'resilog source rotate login'],
      [['source', 'add', '../x'], 64, '../x'],
      [['search', '('], 64, '('],
      [['show', 'abc'], 64, 'abc'],
      [['show', `${'0'.repeat(24)}!5`], 66, `${'0'.repeat(24)}!5`],
      [['send', '/does/not/exist', '--source', 'login'], 66, '/does/not/exist'],
      [['delete', '*'], 64, '--yes'],
      [['wait', '--idle', '--timeout', 'soon'], 64, 'soon'],
    ] as const) {
      const result = await cluster.resilog(args);
      expect(result.code, `${args.join(' ')}: ${result.stderr}`).to.equal(code);
      expect(result.stderr).to.include(text).and.not.include('    at ');
    }
  });
});
