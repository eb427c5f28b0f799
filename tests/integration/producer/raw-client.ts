import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** Bytes over TLS as they are: for requests that no client library would send. */
export interface RawConnection {
  readonly socket: Socket;
  /** What came back so far. */
  received(): string;
  /** All that came back, when the other side has closed the connection, or after `timeoutMs`. */
  ended(timeoutMs?: number): Promise<string>;
}

export function rawConnection(port: number, options: ConnectionOptions = {}): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '::1', port, rejectUnauthorized: false, ...options }, () => {
      resolve(watched(socket));
    });
    socket.once('error', reject);
  });
}

/** Without TLS. */
export function tcpConnection(port: number): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: '::1', port }, () => { resolve(watched(socket)); });
    socket.once('error', reject);
  });
}

function watched(socket: Socket): RawConnection {
  let text = '';
  socket.on('data', (data: Buffer) => { text += data.toString('latin1'); });
  // A reset is one of the ways to be refused.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => { socket.once('close', () => { resolve(); }); });
  return {
    socket, received: () => text,
    ended: async (timeoutMs = 10_000) => {
      const timer = setTimeout(() => { socket.destroy(); }, timeoutMs);
      await closed;
      clearTimeout(timer);
      return text;
    },
  };
}

/** Sends bytes and closes the sending side, or the whole connection; gives what came back. */
export async function exchange(port: number, bytes: Buffer | string, how: 'end' | 'destroy' | 'keep'): Promise<string> {
  const connection = await rawConnection(port);
  connection.socket.write(bytes);
  if (how === 'end') connection.socket.end();
  if (how === 'destroy') connection.socket.destroySoon();
  return connection.ended();
}

/** Statuses of the answers in what a connection gave. */
export function statusesIn(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1])).filter((status) => status !== 100);
}
