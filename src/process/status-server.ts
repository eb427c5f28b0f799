import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import Router from '@koa/router';
import type { Registry } from 'prom-client';
import { limitConnections } from '../connection-limit';
import { ConfigurationError, messageOf } from '../errors';
import type { Log } from '../log';

export interface StatusServerOptions {
  /** Without brackets; one address, never a wildcard. */
  readonly host: string;
  readonly port: number;
  readonly metrics: Registry;
  /** Why the process can't do its work at this moment; empty when it can. */
  readonly unready: () => readonly string[];
  readonly log: Log;
}

export interface StatusServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Connections are few: who does not send a whole request, or does not read the answer, must not hold one for long. */
const REQUEST_TIMEOUT_MS = 5_000;
const CHECK_INTERVAL_MS = 1_000;
const IDLE_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 64;

/**
 * /healthz, /readyz and /metrics of a process that takes no lines, over plain HTTP: nothing secret is told, and
 * nothing is taken. ConfigurationError when it can't listen.
 */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const app = new Koa();
  const router = new Router();
  router.get('/healthz', (context) => { context.body = { healthy: true }; });
  router.get('/readyz', (context) => {
    const reasons = options.unready();
    context.status = reasons.length === 0 ? 200 : 503;
    context.body = { ready: reasons.length === 0, reasons };
  });
  router.get('/metrics', async (context) => {
    context.type = options.metrics.contentType;
    context.body = await options.metrics.metrics();
  });
  app.use(router.routes()).use(router.allowedMethods());
  app.on('error', (error: unknown) => { options.log.warn('AnswerFailed', { error }); });
  const handle = app.callback();
  const server = createServer({
    headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
  }, (request, response) => { void handle(request, response); });
  server.timeout = IDLE_TIMEOUT_MS;
  limitConnections(server, () => CONNECTIONS_MAX);
  const { host, port } = options;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new ConfigurationError(`can't listen on [${host}]:${port}: ${messageOf(error)}`, { cause: error }));
    });
    server.listen({ host, port, ipv6Only: host.includes(':') }, resolve);
  });
  server.on('error', (error) => { options.log.error('ServerFailed', { error }); });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => {
      server.close(() => { resolve(); });
      server.closeAllConnections();
    }),
  };
}
