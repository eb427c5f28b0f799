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
    const key = keyOf(request.socket);
    connections.began(key);
    response.once('close', () => { connections.ended(key); });
  };
  server.on('request', began);
  server.on('checkContinue', began);
}

class Connections {
  private readonly open = new Map<string, Socket>();
  /** Keys of connections without a request so far, the oldest first. */
  private readonly silent = new Set<string>();
  /** Keys of connections between two requests, those that rest for longest first. */
  private readonly resting = new Set<string>();
  /** Requests in work; of a client that does not wait for answers, several on one connection. */
  private readonly requests = new Map<string, number>();

  constructor(private readonly limit: () => number) {}

  opened(socket: Socket): void {
    const key = keyOf(socket);
    this.open.set(key, socket);
    this.silent.add(key);
    socket.once('close', () => { this.forget(key); });
    while (this.open.size > this.limit()) this.giveWay(firstOf(this.silent, key) ?? firstOf(this.resting, key) ?? key);
  }

  secured(socket: Socket): void {
    const key = keyOf(socket);
    if (this.open.has(key)) this.open.set(key, socket);
    else socket.destroy();
  }

  began(key: string): void {
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
    this.silent.delete(key);
    this.resting.delete(key);
  }

  ended(key: string): void {
    const left = (this.requests.get(key) ?? 1) - 1;
    if (left > 0) {
      this.requests.set(key, left);
      return;
    }
    this.requests.delete(key);
    if (this.open.has(key)) this.resting.add(key);
  }

  private giveWay(key: string): void {
    const socket = this.open.get(key);
    this.forget(key);
    socket?.destroy();
  }

  private forget(key: string): void {
    this.open.delete(key);
    this.silent.delete(key);
    this.resting.delete(key);
    this.requests.delete(key);
  }
}

function firstOf(keys: ReadonlySet<string>, except: string): string | undefined {
  for (const key of keys) if (key !== except) return key;
  return undefined;
}

/** A TLS connection and the TCP connection below it have the same. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `[${remoteAddress ?? ''}]:${remotePort ?? 0}`;
}
