import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on ::1 that can refuse, cut and freeze connections: a network to break. */
export class TcpProxy {
  readonly connections = new Set<Socket>();
  /** Bytes of the latest connection as the server sent them, up to 1 KiB. */
  greeting = Buffer.alloc(0);
  private mode: 'open' | 'refused' | 'frozen' = 'open';
  private readonly server = createServer({ pauseOnConnect: true }, (socket) => { this.accept(socket); });

  private constructor(private readonly target: { host: string; port: number }) {}

  static async start(target: { host: string; port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.server.listen(0, '::1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Cuts what is connected and refuses what comes. */
  refuse(): void {
    this.mode = 'refused';
    for (const socket of this.connections) socket.destroy();
  }

  /** Keeps connections open and passes nothing on, as a cut cable does. */
  freeze(): void {
    this.mode = 'frozen';
    for (const socket of this.connections) socket.pause();
  }

  /** Passes on again. */
  open(): void {
    this.mode = 'open';
    for (const socket of this.connections) socket.resume();
  }

  async close(): Promise<void> {
    this.refuse();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    if (this.mode === 'refused') {
      client.destroy();
      return;
    }
    const upstream = connect(this.target);
    this.greeting = Buffer.alloc(0);
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      this.connections.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.connections.delete(from);
        to.destroy();
      });
      from.on('data', (data) => {
        if (from === upstream && this.greeting.length < 1024) this.greeting = Buffer.concat([this.greeting, data]);
        to.write(data);
      });
      if (this.mode === 'frozen') from.pause();
    }
    if (this.mode === 'open') client.resume();
  }
}
