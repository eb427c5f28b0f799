import { request as plainRequest } from 'node:http';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stopwatch } from '../../support/stopwatch';
import { bodyOf } from './samples';
import type { Ledger } from './ledger';

export interface Answer {
  /** 0: no answer, the connection failed. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** That count, see Stopwatch. */
  readonly durationMs: number;
}

export interface PostOptions {
  readonly agent?: Agent;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** One POST; a failure of the connection is an answer with status 0. */
export function post(url: string, body: Buffer, options: PostOptions = {}): Promise<Answer> {
  const stopwatch = new Stopwatch();
  return new Promise((resolve) => {
    const end = (status: number, headers: Answer['headers'], text: string): void => {
      resolve({ status, headers, body: text, durationMs: stopwatch.ms });
    };
    const sent = request(url, {
      method: 'POST',
      rejectUnauthorized: false,
      headers: { 'Content-Length': body.length, ...options.headers },
      timeout: options.timeoutMs ?? 30_000,
      ...(options.agent === undefined ? {} : { agent: options.agent }),
    }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => { end(response.statusCode ?? 0, response.headers, Buffer.concat(chunks).toString()); });
      response.on('error', () => { end(0, {}, ''); });
    });
    sent.on('timeout', () => sent.destroy(new Error('time-out')));
    sent.on('error', (error) => { end(0, {}, error.message); });
    sent.end(body);
  });
}

/** The text at an http or https address of the cluster. */
export function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? request : plainRequest;
    const sent = send(url, { rejectUnauthorized: false, agent: false, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (data: string) => { text += data; });
      response.on('end', () => { resolve(text); });
      response.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error(`${url} does not answer`)));
    sent.on('error', reject);
    sent.end();
  });
}

export interface ReplayOptions {
  readonly urls: readonly string[];
  readonly lines: Iterable<string>;
  readonly linesPerRequest: number;
  readonly ledger: Ledger;
  /** Stops trying after so long without success. */
  readonly giveUpMs?: number;
  /** Called after each acknowledged request. */
  readonly onAcknowledged?: (lines: number) => void;
  readonly pauseMs?: number;
}

/** Sends all lines of one source in order, retrying as an agent does until each request has its 200. */
export async function replay(options: ReplayOptions): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  let turn = 0;
  try {
    for (const lines of chunksOf(options.lines, options.linesPerRequest)) {
      const giveUpAt = Date.now() + (options.giveUpMs ?? 60_000);
      for (;;) {
        const url = options.urls[turn % options.urls.length] ?? '';
        const { status, body } = await post(url, bodyOf(lines), { agent });
        if (status === 200) break;
        if (status !== 0 && status !== 503) throw new Error(`${url} answered ${status}: ${body}`);
        // A refused or broken connection, or a 503: stored or not.
        options.ledger.doubt(lines);
        if (Date.now() > giveUpAt) throw new Error(`${url} answers ${status} for too long: ${body}`);
        turn += 1;
        await sleep(200);
      }
      options.ledger.acknowledge(lines);
      options.onAcknowledged?.(lines.length);
      if (options.pauseMs !== undefined) await sleep(options.pauseMs);
    }
  } finally {
    agent.destroy();
  }
}

function* chunksOf<T>(values: Iterable<T>, size: number): Generator<T[]> {
  let chunk: T[] = [];
  for (const value of values) {
    chunk.push(value);
    if (chunk.length === size) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
