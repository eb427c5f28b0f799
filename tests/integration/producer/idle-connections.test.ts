import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { createInterface } from 'node:readline';
import { sized, written } from '../../support/size';
import { rawConnection, statusesIn } from './raw-client';
import { startProducer, waitFor, type Running } from './support';

/** More than a producer has at once, in a process of their own: each side has a file descriptor for each. */
const CONNECTIONS = sized(10_000, 4_000);
const LIMIT = 2_000;
const AT_ONCE = 100;
/** What they may cost, the test's own connections and code included. */
const MEMORY_MIB = 150;
const CROWD = `
  const { connect } = require('node:net');
  const [port, count, atOnce] = process.argv.slice(1).map(Number);
  let opened = 0;
  let closed = 0;
  const open = () => {
    if (opened === count) return;
    opened += 1;
    const socket = connect({ host: '::1', port });
    socket.on('error', () => undefined);
    socket.once('connect', () => { console.log('open'); open(); });
    socket.once('close', () => { console.log('closed'); });
  };
  for (let i = 0; i < atOnce; i += 1) open();
`;

function residentMiB(): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}

describe(`${written(CONNECTIONS)} connections that say nothing`, function () {
  this.timeout(180_000);
  let running: Running;
  let key: string;
  let crowd: ChildProcess | undefined;
  const counts = { open: 0, closed: 0 };
  before(async () => {
    running = await startProducer({ settings: { intake: { maxConnections: LIMIT } } });
    key = running.keys.add('web');
  });
  after(async () => {
    crowd?.kill('SIGKILL');
    await running.stop();
  });

  it('keep nobody out and interrupt nobody: the oldest of them give way', async () => {
    const memoryBefore = residentMiB();
    const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
    expect((await running.post(`/${key}`, 'before', { agent })).status).to.equal(200);
    const body = 'a line of a request that began before them\n';
    const early = await rawConnection(running.port);
    early.socket.write(`POST /${key} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`);
    crowd = spawn(process.execPath, ['-e', CROWD, String(running.port), String(CONNECTIONS), String(AT_ONCE)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: crowd.stdout as NodeJS.ReadableStream }).on('line', (word) => {
      counts[word as keyof typeof counts] += 1;
    });
    let answered = 0;
    while (counts.open < CONNECTIONS) {
      expect((await running.post(`/${key}`, `new ${answered}`)).status, 'over a connection of its own').to.equal(200);
      answered += 1;
    }
    expect(answered).to.be.greaterThan(3);
    await waitFor(() => counts.closed >= CONNECTIONS - LIMIT, 30_000);
    expect((await running.post(`/${key}`, 'after', { agent })).status, 'over one that was open').to.equal(200);
    early.socket.write(body.slice(9));
    expect(statusesIn(await early.ended())).to.deep.equal([200]);
    agent.destroy();
    expect(await running.lines()).to.include.members(['before', 'after', body.trimEnd()]);
    expect(residentMiB() - memoryBefore).to.be.below(MEMORY_MIB);
  });

  it('are cut off, all of them', async () => {
    await waitFor(() => counts.closed === CONNECTIONS, 60_000);
    expect((await running.post(`/${key}`, 'alone again')).status).to.equal(200);
  });
});
