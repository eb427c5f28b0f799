import { expect } from 'chai';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { UnavailableError } from '../../../src/errors';
import { canonicalHost, formatServer, parseEnsemble, readEnsemble } from '../../../src/registry/zookeeper-ensemble';

describe('an ensemble\'s configuration', () => {
  const text = [
    'server.2=[0:0:0:0:0:0:0:1]:2888:3888:participant;[0:0:0:0:0:0:0:1]:2182',
    'server.1=[fd46:0:0:0:0:0:0:5]:2888:3888;2181', 'version=10000000a',
  ].join('\n');

  it('is read as ZooKeeper writes it, with addresses in their short form', () => {
    expect(parseEnsemble(text)).to.deep.equal({
      version: '10000000a',
      servers: [
        { id: 1, host: 'fd46::5', port: 2181, peerPort: 2888, electionPort: 3888 },
        { id: 2, host: '::1', port: 2182, peerPort: 2888, electionPort: 3888 },
      ],
    });
  });

  it('is written as ZooKeeper reads it', () => {
    const [server] = parseEnsemble(text).servers;
    if (server === undefined) throw new Error('there is no server');
    expect(formatServer(server)).to.equal('server.1=[fd46::5]:2888:3888:participant;[fd46::5]:2181');
    expect(parseEnsemble(`${formatServer(server)}\nversion=1`).servers).to.deep.equal([server]);
  });

  it('that says nothing is refused, not taken for an empty one', () => {
    expect(() => parseEnsemble('')).to.throw(UnavailableError);
    expect(() => parseEnsemble('server.1=::1:2888:3888\nversion=1')).to.throw(UnavailableError);
  });

  it('leaves names and IPv4 addresses as they are', () => {
    expect(['zk1.example.org', '10.0.0.1', 'FD46:0::5'].map(canonicalHost)).to.deep.equal(['zk1.example.org', '10.0.0.1', 'fd46::5']);
  });
});

describe('a member of ZooKeeper\'s that does not serve', () => {
  let server: Server;

  const listening = async (onData: 'close' | 'nonsense'): Promise<number> => {
    server = createServer((socket) => {
      socket.on('error', () => undefined).on('data', () => {
        if (onData === 'close') socket.destroy();
        else socket.write(Buffer.from('7fffffff', 'hex'));
      });
    });
    await new Promise<void>((resolve) => { server.listen({ host: '::1', port: 0 }, resolve); });
    return (server.address() as AddressInfo).port;
  };
  afterEach(() => { server.close(); });

  for (const onData of ['close', 'nonsense'] as const) {
    it(`is reported, with its address (${onData})`, async () => {
      const port = await listening(onData);
      const error = await readEnsemble({ host: '::1', port }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UnavailableError);
      expect((error as Error).message).to.include(`[::1]:${port}`);
    });
  }
});
