import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock';
import { silentLog } from '../../../src/log';
import { Adapters } from '../../../src/process/adapters';
import { readConfiguration } from '../../../src/process/configuration';
import { systemRandom } from '../../../src/random';

describe('the addresses of ZooKeeper\'s members', () => {
  let folder: string;
  const servers: Server[] = [];

  /** Closes every connection; `visited` resolves at the first one. */
  const member = async (): Promise<{ readonly address: string; readonly visited: Promise<void> }> => {
    const server = createServer();
    servers.push(server);
    const visited = new Promise<void>((resolve) => {
      server.on('connection', (socket) => {
        socket.on('error', () => undefined).destroy();
        resolve();
      });
    });
    await new Promise<void>((resolve) => { server.listen({ host: '::1', port: 0 }, resolve); });
    return { address: `[::1]:${(server.address() as AddressInfo).port}`, visited };
  };

  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'resilog-')); });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    rmSync(folder, { recursive: true });
  });

  it('are read again by a process that runs, when it has no connection', async () => {
    const file = join(folder, 'resilog.json');
    const [former, next] = [await member(), await member()];
    writeFileSync(file, JSON.stringify({ zookeeper: [former.address] }));
    const adapters = new Adapters({
      configuration: readConfiguration(file), clock: systemClock, random: systemRandom, log: silentLog,
    });
    try {
      adapters.coordination();
      await former.visited;
      writeFileSync(file, '{"zookeeper": [');
      await systemClock.sleep(700);
      writeFileSync(file, JSON.stringify({ zookeeper: [next.address] }));
      await next.visited;
    } finally {
      await adapters.close();
    }
    expect(servers).to.have.length(2);
  });
});
