import { Agent } from 'undici';
import type { Clock } from '../clock';
import {
  InputError, NotFoundError, PermissionError, UnavailableError, UnknownOutcomeError, messageOf, type ResilogError,
} from '../errors';
import { basicAuthorization, tlsOptions, type ServerAccess } from '../server-access';

export interface SolrClientOptions {
  /** Addresses of Solr's nodes, e.g. `http://[::1]:8983/solr`, asked for at each request: members come and go. */
  readonly baseUrls: () => readonly string[];
  readonly clock: Clock;
  /**
   * Deadline of one request, default 8,000 ms: below the 10 s after which Solr's server drops an idle connection, so
   * that no half-sent batch of ours is taken in after we gave it up.
   */
  readonly requestTimeoutMs?: number;
  readonly access?: ServerAccess;
  /** Connections to each node; default 8. */
  readonly connections?: number;
}

export interface SolrRequest {
  /** Below the base URL, e.g. `/logs/select`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as a form, for what may be longer than a URL. */
  readonly form?: readonly (readonly [name: string, value: string])[];
  readonly body?: { readonly type: string; readonly data: string | Buffer };
  /** A read that got no answer had no effect: it is reported as unavailable, never as an unknown outcome. */
  readonly effect: 'read' | 'write';
  readonly timeoutMs?: number;
  /** Asks this node and no other. */
  readonly baseUrl?: string;
}

export type SolrAnswer = Readonly<Record<string, unknown>>;

export interface SolrClient {
  /**
   * Tries the nodes in turn while they certainly did nothing. InputError: Solr refused what was sent (400), with its
   * message; NotFoundError; PermissionError; UnavailableError: no node took it; UnknownOutcomeError: no verdict.
   */
  request(request: SolrRequest): Promise<SolrAnswer>;
  close(): Promise<void>;
}

const MOST_ANSWER_BYTES = 256 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 3_000;

/** No connection was made, so nothing was sent. */
const NOT_SENT = new Set([
  'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'UND_ERR_CONNECT_TIMEOUT',
]);

export function createSolrClient(options: SolrClientOptions): SolrClient {
  const timeoutMs = options.requestTimeoutMs ?? 8_000;
  const agent = new Agent({
    connections: options.connections ?? 8,
    pipelining: 1,
    // Below Solr's own idle time-out, so that it never closes a connection just as we use it.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 4_000,
    connect: { timeout: CONNECT_TIMEOUT_MS, ...tlsOptions(options.access) },
    // The deadline of the whole request is ours.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: MOST_ANSWER_BYTES,
  });
  const authorization = basicAuthorization(options.access);
  let preferred = 0;

  const send = async (baseUrl: string, request: SolrRequest): Promise<SolrAnswer> => {
    const url = new URL(baseUrl.replace(/\/$/, '') + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    const payload = request.form === undefined
      ? request.body
      : {
        type: 'application/x-www-form-urlencoded',
        data: new URLSearchParams(request.form.map(([name, value]): [string, string] => [name, value])).toString(),
      };
    const controller = new AbortController();
    const cancel = options.clock.timer(request.timeoutMs ?? timeoutMs, () => { controller.abort(); });
    try {
      const { statusCode, body } = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: payload === undefined ? 'GET' : 'POST',
        headers: {
          ...(payload && { 'content-type': payload.type }),
          ...(authorization !== undefined && { authorization }),
        },
        body: payload?.data ?? null,
        signal: controller.signal,
      });
      return readAnswer(statusCode, await body.text(), baseUrl, request.path);
    } catch (error) {
      throw classify(error, request, baseUrl);
    } finally {
      cancel();
    }
  };

  return {
    request: async (request) => {
      if (request.baseUrl !== undefined) return send(request.baseUrl, request);
      const urls = options.baseUrls();
      let failure: unknown = new UnavailableError('No Solr node is known.');
      for (let i = 0; i < urls.length; i += 1) {
        const at = (preferred + i) % urls.length;
        try {
          const answer = await send(urls[at] ?? '', request);
          preferred = at;
          return answer;
        } catch (error) {
          if (!(error instanceof UnavailableError)) throw error;
          failure = error;
        }
      }
      throw failure;
    },
    close: () => agent.destroy(),
  };
}

function readAnswer(status: number, text: string, baseUrl: string, path: string): SolrAnswer {
  const parsed = parse(text);
  if (status >= 200 && status < 300) {
    // An answer that was cut or is not Solr's gives no verdict.
    if (parsed === undefined) throw new UnknownOutcomeError(`Solr at ${baseUrl} gave an answer that can't be read.`);
    return parsed;
  }
  // Not Solr's own words: its server is up, the rest of it is still starting.
  if (status === 404 && parsed === undefined && path.startsWith('/admin/')) {
    throw new UnavailableError(`Solr at ${baseUrl} is still starting.`);
  }
  throw refusal(status, solrMessage(parsed) ?? text.replace(/<[^>]*>/g, ' ').trim().slice(0, 300), baseUrl);
}

function refusal(status: number, message: string, baseUrl: string): ResilogError {
  const described = `Solr at ${baseUrl} answered ${String(status)}: ${message}`;
  // A verdict on the query, which Solr gives as if it were a defect of its own.
  if (status === 500 && message.includes('maxClauseCount')) {
    return new InputError('the query stands for too many words', {
      cause: new Error(described), remedy: 'give a word that ends with * more letters, or ask for less at once',
    });
  }
  if (status === 400) return new InputError(message, { cause: new Error(described) });
  if (status === 404) return new NotFoundError(described);
  if (status === 401 || status === 403) return new PermissionError(described);
  return new UnavailableError(described);
}

function parse(text: string): SolrAnswer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SolrAnswer) : undefined;
  } catch {
    return undefined;
  }
}

function solrMessage(answer: SolrAnswer | undefined): string | undefined {
  const error = answer?.error;
  if (typeof error !== 'object' || error === null || !('msg' in error)) return undefined;
  return typeof error.msg === 'string' ? error.msg : undefined;
}

function classify(error: unknown, request: SolrRequest, baseUrl: string): unknown {
  // Verdicts of Solr and our own errors are what they are.
  if (error instanceof Error && 'retryable' in error) {
    return error instanceof UnknownOutcomeError && request.effect === 'read'
      ? new UnavailableError(error.message, { cause: error })
      : error;
  }
  if (error instanceof TypeError || error instanceof RangeError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const what = `Solr at ${baseUrl}, ${request.path}`;
  if (NOT_SENT.has(code)) return new UnavailableError(`${what}: ${messageOf(error)}`, { cause: error });
  const message = code === '20' || code === 'ABORT_ERR' || code === 'UND_ERR_ABORTED'
    ? `${what}: no answer in time`
    : `${what}: ${messageOf(error)}`;
  return request.effect === 'read'
    ? new UnavailableError(message, { cause: error })
    : new UnknownOutcomeError(message, { cause: error });
}
