import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';

/**
 * Bounds the connections of a server. When there are too many, one gives way: first the oldest that never sent a
 * request, then the one whose last request is over for longest, and only when requests are in work on all others, the
 * one that came last. So whoever opens connections and is silent keeps nobody else out.
 */
export function limitConnections(server: HttpServer | HttpsServer, limit: () => number): void {
  const connections = new Connections(limit);
  server.on('connection', (socket: Socket) => { connections.opened(socket); });
  // The same connection, which has to be closed as what it is by now.
  server.on('secureConnection', (socket: Socket) => { connections.secured(socket); });
  const began = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.began(request.socket);
    if (connection !== undefined) response.once('close', () => { connections.ended(connection); });
  };
  server.on('request', began);
  server.on('checkContinue', began);
}

interface Connection {
  /** Address and port of the client. */
  readonly peer: string;
  socket: Socket;
  /** Requests in work; of a client that does not wait for answers, several. */
  requests: number;
}

class Connections {
  private readonly open = new Map<string, Connection>();
  private readonly bySocket = new WeakMap<Socket, Connection>();
  /** Without a request so far, the oldest first. */
  private readonly silent = new Set<Connection>();
  /** Between two requests, those that rest for longest first. */
  private readonly resting = new Set<Connection>();

  constructor(private readonly limit: () => number) {}

  opened(socket: Socket): void {
    const connection: Connection = { peer: peerOf(socket), socket, requests: 0 };
    // Its client has opened the same port once more: it is over, though nobody said so yet.
    const former = this.open.get(connection.peer);
    if (former !== undefined) this.giveWay(former);
    this.open.set(connection.peer, connection);
    this.bySocket.set(socket, connection);
    this.silent.add(connection);
    socket.once('close', () => { this.forget(connection); });
    while (this.open.size > this.limit() && this.isOpen(connection)) {
      this.giveWay(firstOf(this.silent, connection) ?? firstOf(this.resting, connection) ?? connection);
    }
  }

  secured(socket: Socket): void {
    const connection = this.open.get(peerOf(socket));
    if (connection === undefined) {
      socket.destroy();
      return;
    }
    connection.socket = socket;
    this.bySocket.set(socket, connection);
  }

  /** Undefined: it has given way already. */
  began(socket: Socket): Connection | undefined {
    const connection = this.bySocket.get(socket);
    if (connection === undefined || !this.isOpen(connection)) return undefined;
    connection.requests += 1;
    this.silent.delete(connection);
    this.resting.delete(connection);
    return connection;
  }

  ended(connection: Connection): void {
    connection.requests -= 1;
    if (connection.requests === 0 && this.isOpen(connection)) this.resting.add(connection);
  }

  private isOpen(connection: Connection): boolean {
    return this.open.get(connection.peer) === connection;
  }

  private giveWay(connection: Connection): void {
    this.forget(connection);
    connection.socket.destroy();
  }

  private forget(connection: Connection): void {
    if (this.isOpen(connection)) this.open.delete(connection.peer);
    this.silent.delete(connection);
    this.resting.delete(connection);
  }
}

function firstOf(connections: ReadonlySet<Connection>, except: Connection): Connection | undefined {
  for (const connection of connections) if (connection !== except) return connection;
  return undefined;
}

/** A TLS connection and the TCP connection below it have the same. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `[${remoteAddress ?? ''}]:${remotePort ?? 0}`;
}
