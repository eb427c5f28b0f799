import { expect } from 'chai';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../support/checkout';
import type { Cluster } from '../support/cluster';
import { sharedCluster } from '../support/shared-cluster';
import { fourLetterWord } from '../support/zookeeper-session';
import { fetchText, post, type Answer } from './support/client';
import { commandsOf, type AddedSource, type Commands } from './support/commands';
import { connect, countIndexed, indexedIds, readArchive } from './support/inspect';
import { inParallel, until } from '../support/wait';

describe('two producers', function () {
  this.timeout(600_000);
  let cluster: Cluster;
  let commands: Commands;
  let folder: string;

  before(async () => {
    cluster = await sharedCluster();
    commands = commandsOf(cluster);
    folder = await mkdtemp(join(tmpdir(), 'resilog-test-'));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  /** Returns when every producer knows the source. */
  const addSource = async (name: string, ...options: string[]): Promise<AddedSource> => {
    const source = await commands.addSource(name, ...options);
    expect(source.urls).to.have.length(2);
    return source;
  };

  const ask = (word: string): Promise<string> => fourLetterWord({ host: '::1', port: cluster.basePort + 1 }, word);

  const packets = async (): Promise<number> =>
    Number(/^zk_packets_received\s+(\d+)$/m.exec(await ask('mntr'))?.[1]);

  /** Returns when what other tests began, such as sharing the queue out anew, has come to rest. */
  const calm = async (): Promise<void> => {
    await commands.run('wait', '--verified', '--timeout', '240');
    let before = await packets();
    let quietSeconds = 0;
    await until('ZooKeeper is at rest', 120_000, async () => {
      const now = await packets();
      quietSeconds = now - before < 20 ? quietSeconds + 1 : 0;
      before = now;
      return quietSeconds === 10;
    }, 1_000);
  };

  /** Packets of each connection, those with most first: who sent them, for a failure's message. */
  const senders = async (): Promise<string> => {
    const counts = [...(await ask('stat')).matchAll(/^ \/(\S+?)\[\d+\]\(queued=\d+,recved=(\d+)/gm)];
    return counts.map(([, client, received]) => `${client}: ${received}`).join(', ');
  };

  it('take 10,000 requests for fewer than 100 packets to ZooKeeper', async () => {
    const { urls } = await addSource('frugal');
    await calm();
    // The baseline: what a cluster costs that takes a line now and then, sessions, closing and verification included.
    const baseMs = 20_000;
    const baseFrom = await packets();
    for (let elapsed = 0; elapsed < baseMs; elapsed += 1_000) {
      for (const url of urls) expect((await post(url, Buffer.from('now and then\n'))).status).to.equal(200);
      await sleep(1_000);
    }
    const sendersBefore = await senders();
    const from = await packets();
    const basePerMs = (from - baseFrom) / baseMs;
    const begin = Date.now();
    const agents = Array.from({ length: 32 }, () =>
      new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false }));
    const statuses = new Map<number, number>();
    await inParallel(Array.from({ length: 10_000 }, (_, i) => i), agents.length, async (i, slot) => {
      const agent = agents[slot];
      const { status } = await post(urls[slot % 2] ?? '', Buffer.from(`request ${i}\n`), agent === undefined ? {} : { agent });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    });
    const tookMs = Date.now() - begin;
    const received = await packets() - from;
    const sendersAfter = await senders();
    for (const agent of agents) agent.destroy();
    expect([...statuses]).to.deep.equal([[200, 10_000]]);
    const figures = `${received} packets in ${tookMs} ms; ${(basePerMs * 1_000).toFixed(1)} a second before;\n${sendersBefore}\n${sendersAfter}`;
    expect(received - basePerMs * tookMs, figures).to.be.lessThan(100);
    expect(basePerMs * 1_000, figures).to.be.lessThan(15);
    if (process.env.RESILOG_TEST_FIGURES !== undefined) process.stderr.write(`${figures}\n`);
  });

  it('refuse a disabled key within five seconds, both of them, and take it again when it is enabled', async () => {
    const { urls } = await addSource('switched');
    for (const url of urls) expect((await post(url, Buffer.from('a\n'))).status).to.equal(200);
    await commands.run('source', 'disable', 'switched');
    for (const url of urls) {
      const refused = async (): Promise<boolean> => (await post(url, Buffer.from('b\n'))).status === 403;
      await until(`${url} is refused`, 5_000, refused);
    }
    await commands.run('source', 'enable', 'switched');
    for (const url of urls) {
      await until(`${url} is taken`, 5_000, async () => (await post(url, Buffer.from('c\n'))).status === 200);
    }
  });

  for (const [version, option] of [['TLSv1.2', '-tls1_2'], ['TLSv1.3', '-tls1_3']] as const) {
    it(`resume a ${version} session`, async () => {
      const session = join(folder, `${version}.session`);
      const request = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      const client = ['s_client', '-connect', `[::1]:${cluster.basePort + 51}`, option, '-ign_eof'];
      const first = await run('openssl', [...client, '-sess_out', session], { input: request });
      expect(first.stdout).to.match(new RegExp(`New, ${version.replace('.', '\\.')}`));
      const second = await run('openssl', [...client, '-sess_in', session], { input: request });
      expect(second.stdout).to.match(new RegExp(`Reused, ${version.replace('.', '\\.')}`));
      expect(second.stdout).to.include('HTTP/1.1 200');
    });
  }

  it('keep one copy of a body that both get at once with the same Idempotency-Key, 1,000 times', async () => {
    const { urls } = await addSource('twice');
    const agents = urls.map(() => new Agent({ keepAlive: true, maxSockets: 8, rejectUnauthorized: false }));
    const send = async (producer: number, i: number): Promise<Answer> => {
      const agent = agents[producer];
      const headers = { 'Idempotency-Key': `request-${i}` };
      for (;;) {
        const answer = await post(urls[producer] ?? '', Buffer.from(`line ${i}\n`),
          { headers, ...(agent === undefined ? {} : { agent }) });
        // In flight at the other one for too long: an agent comes again.
        if (answer.status !== 503) return answer;
        await sleep(200);
      }
    };
    await inParallel(Array.from({ length: 1_000 }, (_, i) => i), 8, async (i) => {
      const [one, other] = await Promise.all([send(0, i), send(1, i)]);
      expect([one.status, other.status], `${one.body} ${other.body}`).to.deep.equal([200, 200]);
      expect(JSON.parse(other.body)).to.deep.equal(JSON.parse(one.body));
    });
    for (const url of urls) {
      const other = await post(url, Buffer.from('another body\n'), { headers: { 'Idempotency-Key': 'request-7' } });
      expect(other.status, other.body).to.equal(422);
    }
    for (const agent of agents) agent.destroy();
    await commands.run('wait', '--idle', '--timeout', '240');
    const services = connect(cluster);
    try {
      const archived = await readArchive(services, 'twice');
      expect(archived.lineCount).to.equal(1_000);
      expect([...archived.lines.values()].every((count) => count === 1)).to.equal(true);
      expect(await countIndexed(services, 'twice')).to.equal(1_000);
      expect((await indexedIds(services, 'twice')).size).to.equal(1_000);
    } finally {
      await services.close();
    }
  });

  it('take a certificate-only source\'s TLS 1.3 client certificate and refuse its key everywhere', async () => {
    const { key, urls } = await addSource('strict', '--certificate-only', '--out', folder);
    const cert = await readFile(join(folder, 'strict.crt'));
    const secret = await readFile(join(folder, 'strict.key'));
    for (const url of urls) {
      const base = new URL('/', url).href;
      const agent = new Agent({ cert, key: secret, minVersion: 'TLSv1.3', rejectUnauthorized: false });
      expect((await post(base, Buffer.from('certified\n'), { agent })).status).to.equal(200);
      agent.destroy();
      for (const [at, headers] of [
        [url, {}], [base, { Authorization: `Bearer ${key}` }], [base, { 'X-Resilog-Key': key }],
      ] as const) {
        const { status, body } = await post(at, Buffer.from('key\n'), { headers });
        expect(status, body).to.equal(403);
      }
      expect((await post(base, Buffer.from('nothing\n'))).status).to.equal(401);
    }
  });

  it('and consumers use a changed setting within two seconds', async () => {
    const endpoints = [
      ...[51, 52].map((port) => `https://[::1]:${cluster.basePort + port}/metrics`),
      ...[71, 72].map((port) => `http://[::1]:${cluster.basePort + port}/metrics`),
    ];
    const versionAt = async (url: string): Promise<number> => {
      return Number(/^resilog_settings_version(?:\{.*\})? (\d+)$/m.exec(await fetchText(url))?.[1]);
    };
    const { version } = await commands.json<{ version: number }>('config', 'set', 'files.maxAgeMs=2500');
    try {
      await Promise.all(endpoints.map((url) => until(url, 2_000, async () => await versionAt(url) === version)));
    } finally {
      await commands.run('config', 'reset', 'files.maxAgeMs');
    }
  });
});
