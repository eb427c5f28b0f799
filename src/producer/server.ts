import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type Koa from 'koa';
import type { Clock } from '../clock';
import { limitConnections } from '../connection-limit';
import type { Log } from '../log';

const HEADERS_TIMEOUT_MS = 15_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** A connection on which nothing moves either way, e.g. since the client does not read its answers, is closed. */
const IDLE_TIMEOUT_MS = 120_000;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADERS = 100;
/** After an answer that closes the connection, what still arrives is dropped for so long; see `linger`. */
const LINGER_MS = 1_000;

export interface ServerOptions {
  readonly app: Koa;
  /** PEM. */
  readonly tls: { readonly certificate: string; readonly key: string };
  /** Asked at each connection, so that a changed setting applies at once. */
  readonly maxConnections: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The HTTPS server: TLS 1.2 or later with session tickets, client certificates asked for and not required (a source is
 * known by the hash of its certificate, not by an authority), keep-alive. `Expect: 100-continue` is
 * left to the handler, which answers it when the request is accepted.
 */
export function createHttpsServer(options: ServerOptions): Server {
  const { app, tls, clock } = options;
  const handler = app.callback();
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    // Errors of the request are met where its body is read; without a reader they mean a client that left.
    request.on('error', () => undefined);
    handler(request, response).catch((error: unknown) => { options.log.error('RequestFailed', { error }); });
  };
  const server = createServer({
    cert: tls.certificate,
    key: tls.key,
    minVersion: 'TLSv1.2',
    // No client needs to renegotiate (TLS 1.3 has none); each time costs this side more than the other.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // Bodies have a time limit of their own, which is a setting.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    connectionsCheckingInterval: 5_000,
  }, handle);
  server.on('checkContinue', handle);
  server.maxHeadersCount = MAX_HEADERS;
  server.timeout = IDLE_TIMEOUT_MS;
  limitConnections(server, options.maxConnections);
  server.on('secureConnection', (socket: Socket) => { linger(socket, clock); });
  server.on('tlsClientError', (error: Error) => { options.log.debug('HandshakeFailed', { error }); });
  return server;
}

/**
 * Closing a connection while the client still sends makes its kernel drop the answer (a reset overtakes the data). So
 * a connection that is closed after an early answer is closed for writing first, and reads on for a moment.
 */
function linger(socket: Socket, clock: Clock): void {
  socket.destroySoon = () => {
    if (socket.writable) socket.end();
    socket.resume();
    const cancel = clock.timer(LINGER_MS, () => { socket.destroy(); });
    socket.once('end', () => { socket.destroy(); });
    socket.once('close', cancel);
  };
}
