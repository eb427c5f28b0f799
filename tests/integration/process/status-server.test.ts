import { expect } from 'chai';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { silentLog } from '../../../src/log';
import { startStatusServer, type StatusServer } from '../../../src/process/status-server';
import { Stopwatch } from '../../support/stopwatch';

/** More than the server takes at once. */
const CONNECTIONS = 80;
/** The time for a request, and one round of looking for those that are over. */
const FREED_MS = 10_000;

describe('the status server and hostile clients', function () {
  this.timeout(60_000);
  let server: StatusServer;
  before(async () => {
    server = await startStatusServer({ host: '::1', port: 0, metrics: new Registry(), unready: () => [], log: silentLog });
  });
  after(() => server.close());

  function open(bytes: string): Socket {
    const socket = connect({ host: '::1', port: server.port });
    // A reset is one of the ways to be refused.
    socket.on('error', () => undefined);
    socket.write(bytes, 'latin1');
    return socket;
  }

  async function exchange(bytes: string): Promise<string> {
    const socket = open(bytes);
    let text = '';
    socket.on('data', (data: Buffer) => { text += data.toString('latin1'); });
    const timer = setTimeout(() => { socket.destroy(); }, 5_000);
    await new Promise((resolve) => { socket.once('close', resolve); });
    clearTimeout(timer);
    return text;
  }
  const get = (path: string): Promise<string> => exchange(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

  it('answers its three paths and nothing else', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) expect(await get(path)).to.match(/^HTTP\/1\.1 200 /);
    for (const path of ['/', '/../healthz', '/%2fhealthz', '/%00', '/%zz', `/${'a'.repeat(10_000)}`, '//healthz', '*']) {
      expect(await get(path), path.slice(0, 20)).to.match(/^HTTP\/1\.1 4\d\d /);
    }
    const posted = await exchange('POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello');
    expect(posted).to.match(/^HTTP\/1\.1 405 /);
  });

  it('refuses what is no request', async () => {
    const both = 'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n';
    for (const bytes of ['\0\x01\x02\x03', both, `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`]) {
      expect(await exchange(bytes)).to.match(/^HTTP\/1\.1 4\d\d /);
    }
  });

  it('answers although slow clients took every connection', async () => {
    const slow = Array.from({ length: CONNECTIONS }, () => open('GET /healthz HTTP/1.1\r\nX: '));
    const timer = setInterval(() => { for (const socket of slow) if (!socket.destroyed) socket.write('x'); }, 1_000);
    const stopwatch = new Stopwatch();
    let answer = '';
    try {
      while (!answer.startsWith('HTTP/1.1 200 ') && stopwatch.ms < 2 * FREED_MS) {
        await sleep(100);
        answer = await get('/healthz');
      }
    } finally {
      clearInterval(timer);
      for (const socket of slow) socket.destroy();
    }
    expect(answer).to.match(/^HTTP\/1\.1 200 /);
    expect(stopwatch.ms).to.be.below(FREED_MS);
  });
});
