import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../clock';
import { InputError, PermissionError, UnavailableError, UnknownOutcomeError } from '../errors';

/** One producer: where it listens and the fingerprint of the certificate that it says is its own. */
export interface Destination {
  readonly url: string;
  /** Hex SHA-256 of the DER certificate; undefined: verified as usual, by authority. */
  readonly certificateSha256: string | undefined;
}

export interface SendAnswer {
  readonly lines: number;
  readonly bytes: number;
  readonly files: readonly string[];
}

export interface Sender {
  /** Sends one body; UnavailableError carries on, everything else is final. */
  send(body: Buffer, idempotencyKey: string): Promise<SendAnswer>;
  close(): void;
}

export interface SenderOptions {
  readonly destinations: readonly Destination[];
  readonly key: string;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
}

/** Seconds that the producer asked to wait, kept on the error for the caller's retry. */
export class BusyError extends UnavailableError {
  override readonly code = 'busy';

  constructor(message: string, readonly retryAfterMs: number) {
    super(message);
  }
}

/** A connection to one of several producers; the next one is tried after a failure. */
export function createSender(options: SenderOptions): Sender {
  let turn = 0;
  const agents = options.destinations.map(() =>
    new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false }));
  return {
    send: async (body, idempotencyKey) => {
      const index = turn % options.destinations.length;
      const destination = options.destinations[index];
      const agent = agents[index];
      if (destination === undefined || agent === undefined) {
        throw new UnavailableError('no producer is up', { remedy: '`resilog status` shows what is' });
      }
      try {
        return await post(destination, agent, body, idempotencyKey, options);
      } catch (error) {
        turn += 1;
        throw error;
      }
    },
    close: () => { for (const agent of agents) agent.destroy(); },
  };
}

function post(
  destination: Destination, agent: Agent, body: Buffer, idempotencyKey: string, options: SenderOptions,
): Promise<SendAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(destination.url, {
      method: 'POST',
      agent,
      rejectUnauthorized: destination.certificateSha256 === undefined,
      timeout: options.requestTimeoutMs,
      headers: {
        'Authorization': `Bearer ${options.key}`,
        'Idempotency-Key': idempotencyKey,
        'Content-Length': body.length,
      },
    });
    request.on('socket', (socket) => {
      const check = (): void => {
        // The registry told the fingerprint: nobody else is given the key or the lines.
        if (trusted(socket as TLSSocket, destination.certificateSha256)) request.end(body);
        else request.destroy(new PermissionError(`${destination.url} showed a certificate that is not the producer's`));
      };
      if (socket.connecting) socket.once('secureConnect', check);
      else check();
    });
    request.on('timeout', () => request.destroy(new UnknownOutcomeError(`${destination.url} did not answer in time`)));
    request.on('error', (error) => {
      reject(error instanceof PermissionError || error instanceof UnknownOutcomeError ? error
        : new UnknownOutcomeError(`${destination.url}: ${error.message}`, { cause: error }));
    });
    request.on('response', (response) => { readAnswer(response, destination).then(resolve, reject); });
  });
}

function trusted(socket: TLSSocket, fingerprint: string | undefined): boolean {
  if (fingerprint === undefined) return true;
  return socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase() === fingerprint;
}

async function readAnswer(response: IncomingMessage, destination: Destination): Promise<SendAnswer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (error) {
    throw new UnknownOutcomeError(`${destination.url}: the answer broke off`, { cause: error });
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const status = response.statusCode ?? 0;
  if (status === 200) return JSON.parse(text) as SendAnswer;
  const reason = explain(text) ?? `status ${status}`;
  if (status === 503 || status === 429) {
    throw new BusyError(`${destination.url}: ${reason}`, Number(response.headers['retry-after'] ?? 1) * 1000);
  }
  if (status === 401 || status === 403) throw new PermissionError(`${destination.url}: ${reason}`);
  if (status >= 500) throw new UnknownOutcomeError(`${destination.url}: ${reason}`);
  throw new InputError(`${destination.url}: ${reason}`);
}

function explain(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message;
  } catch {
    return undefined;
  }
}
