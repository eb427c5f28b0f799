import { expect } from 'chai';
import { EventEmitter } from 'node:events';
import { createServer, request, Agent, type Server } from 'node:http';
import { connect, Socket, type AddressInfo } from 'node:net';
import { limitConnections } from '../../src/connection-limit';
import { eventually } from '../support/wait';

describe('the bound of connections', () => {
  let server: Server;
  let port: number;
  let limit: number;
  let answers: (() => void)[];
  const sockets: Socket[] = [];

  beforeEach(async () => {
    limit = 3;
    answers = [];
    server = createServer((asked, response) => {
      if (asked.url === '/slow') answers.push(() => response.end('slow'));
      else response.end('quick');
    });
    limitConnections(server, () => limit);
    await new Promise<void>((resolve) => { server.listen(0, '::1', resolve); });
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  });

  /** Connected, and known to the server. */
  const silent = async (): Promise<Socket> => {
    const socket = connect({ host: '::1', port });
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.resume();
    await Promise.all([
      new Promise((resolve) => { socket.once('connect', resolve); }),
      new Promise((resolve) => { server.once('connection', resolve); }),
    ]);
    return socket;
  };
  const get = (path: string, agent: Agent): Promise<string> => new Promise((resolve) => {
    request({ host: '::1', port, path, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (data: string) => { text += data; });
      response.on('end', () => { resolve(text); });
    }).on('error', (error) => { resolve(error.message); }).end();
  });
  const keptAlive = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 });
  const closed = (socket: Socket): Promise<void> => eventually(() => { expect(socket.destroyed).to.equal(true); });
  const open = (...all: readonly Socket[]): void => {
    expect(all.map(({ destroyed }) => destroyed)).to.not.include(true);
  };
  const socketOf = (agent: Agent): Socket | undefined => Object.values(agent.freeSockets).flat()[0];

  it('lets the oldest go that never sent a request', async () => {
    const [first, second, third] = [await silent(), await silent(), await silent()];
    const fourth = await silent();
    await closed(first);
    open(second, third, fourth);
  });

  it('then the one that rests for longest, and none with a request in work', async () => {
    const [rested, busy, late] = [keptAlive(), keptAlive(), keptAlive()];
    expect(await get('/', rested)).to.equal('quick');
    const slow = get('/slow', busy);
    await eventually(() => { expect(answers.length).to.equal(1); });
    expect(await get('/', late)).to.equal('quick');
    const restedSocket = socketOf(rested);
    const newcomer = await silent();
    await eventually(() => { expect(restedSocket?.destroyed).to.equal(true); });
    open(newcomer);
    expect(await get('/', late)).to.equal('quick');
    answers[0]?.();
    expect(await slow).to.equal('slow');
    for (const agent of [rested, busy, late]) agent.destroy();
  });

  it('and the newest when all others are at work, also with a request behind one that is answered', async () => {
    limit = 1;
    const busy = await silent();
    let text = '';
    busy.on('data', (data) => { text += String(data); });
    busy.write('GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => {
      expect(answers.length).to.equal(1);
      expect(text).to.include('quick');
    });
    await closed(await silent());
    open(busy);
    answers[0]?.();
    await eventually(() => { expect(text).to.include('slow'); });
    await silent();
    await closed(busy);
  });

  it('and the newest alone when the limit was lowered below those at work', async () => {
    limit = 2;
    const agents = [keptAlive(), keptAlive()];
    const slow = agents.map((agent) => get('/slow', agent));
    await eventually(() => { expect(answers.length).to.equal(2); });
    limit = 1;
    await closed(await silent());
    for (const answer of answers) answer();
    expect(await Promise.all(slow)).to.deep.equal(['slow', 'slow']);
    for (const agent of agents) agent.destroy();
  });

  it('knows a connection from a former one of the same port, whose end is told later', () => {
    const events = new EventEmitter();
    limitConnections(events as Server, () => 2);
    const [former, next, other, last] = [1, 1, 2, 3].map((remotePort) =>
      Object.defineProperties(new Socket(), { remoteAddress: { value: '::1' }, remotePort: { value: remotePort } }));
    for (const socket of [former, next]) events.emit('connection', socket);
    former?.emit('close');
    events.emit('connection', other);
    expect([former, next, other].map((socket) => socket?.destroyed)).to.deep.equal([true, false, false]);
    events.emit('connection', last);
    expect([next, other, last].map((socket) => socket?.destroyed), 'it still counts').to.deep.equal([true, false, false]);
    other?.destroy();
    last?.destroy();
  });

  it('applies a changed limit at the next connection', async () => {
    const all = [await silent(), await silent(), await silent()];
    limit = 1;
    const last = await silent();
    for (const socket of all) await closed(socket);
    open(last);
  });
});
