/**
 * Sends requests over TLS connections, one in flight each, without a client library whose own cost would hide that of
 * who is measured. A thread's entry: `workerData` is a Load; answers each message `{ seconds }` with a LoadResult.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { connect, type TLSSocket } from 'node:tls';
import { parentPort, workerData } from 'node:worker_threads';

export interface Load {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** A file of bodies of `bodyBytes` each, one after the other; sent in turn. */
  readonly bodies: string;
  readonly bodyBytes: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Answers other than 200, by status. */
  readonly refused: Readonly<Record<string, number>>;
}

const { port, path, connections, bodies, bodyBytes } = workerData as Load;
const content = readFileSync(bodies);
const count = Math.floor(content.length / bodyBytes);
const requests = Array.from({ length: count }, (_, index) => Buffer.concat([
  Buffer.from(`POST ${path} HTTP/1.1\r\nHost: bench\r\nContent-Length: ${bodyBytes}\r\n\r\n`),
  content.subarray(index * bodyBytes, (index + 1) * bodyBytes),
]));

class Connection {
  answered = 0;
  readonly refused: Record<string, number> = {};
  private text = '';
  private next: (() => void) | undefined;

  private constructor(private readonly socket: TLSSocket) {
    socket.setNoDelay(true);
    socket.setEncoding('latin1').on('data', (text: string) => { this.read(text); });
  }

  static open(): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '::1', port, rejectUnauthorized: false }, () => { resolve(new Connection(socket)); });
      socket.once('error', reject);
    });
  }

  async run(first: number, endMs: number): Promise<void> {
    for (let turn = first; performance.now() < endMs; turn += connections) {
      const answer = new Promise<void>((resolve) => { this.next = resolve; });
      this.socket.write(requests[turn % requests.length] as Buffer);
      await answer;
    }
  }

  close(): void {
    this.socket.destroy();
  }

  private read(data: string): void {
    this.text += data;
    const end = this.text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = /content-length: (\d+)/i.exec(this.text.slice(0, end))?.[1];
    const chunked = /transfer-encoding: chunked/i.test(this.text.slice(0, end));
    const whole = chunked ? this.text.endsWith('\r\n0\r\n\r\n') : this.text.length >= end + 4 + Number(length ?? 0);
    if (!whole) return;
    const status = this.text.slice(9, 12);
    this.text = '';
    if (status === '200') this.answered += 1;
    else this.refused[status] = (this.refused[status] ?? 0) + 1;
    this.next?.();
  }
}

parentPort?.on('message', ({ seconds }: { seconds: number }) => {
  void (async () => {
    const opened = await Promise.all(Array.from({ length: connections }, () => Connection.open()));
    const begin = performance.now();
    await Promise.all(opened.map((connection, index) => connection.run(index, begin + seconds * 1_000)));
    const took = (performance.now() - begin) / 1_000;
    const answered = opened.reduce((sum, connection) => sum + connection.answered, 0);
    const refused: Record<string, number> = {};
    for (const connection of opened) {
      connection.close();
      for (const [status, times] of Object.entries(connection.refused)) {
        refused[status] = (refused[status] ?? 0) + times;
      }
    }
    const result: LoadResult = { requests: answered, bytes: answered * bodyBytes, seconds: took, refused };
    parentPort?.postMessage(result);
  })();
});
