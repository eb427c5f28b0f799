import { createHash } from 'node:crypto';
import { request as httpsRequest, type Agent } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { TLSSocket } from 'node:tls';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { buildBlock, decodeFrame } from '../../../src/archive/block-format';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import type { Volume } from '../../../src/archive/volume';
import { systemClock } from '../../../src/clock';
import { createLog, silentLog } from '../../../src/log';
import { ownCertificate } from '../../../src/producer/certificate';
import type { CloseFiles } from '../../../src/producer/ports';
import { createProducer, type Producer, type ProducerDependencies } from '../../../src/producer/producer';
import type { QueueProducer } from '../../../src/queue/ports';
import { systemRandom } from '../../../src/random';
import type { Coordination } from '../../../src/registry/coordination';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { MemorySettings } from '../../../src/registry/memory-settings';
import type { KeyDirectory, KeyVerdict, Source } from '../../../src/registry/ports';
import type { SettingsPatch } from '../../../src/registry/settings';
import { until } from '../../support/wait';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly json: {
    lines?: number; bytes?: number; files?: string[];
    error?: { code: string; message: string; remedy: string };
  };
  readonly continued: boolean;
  /** The TLS session was resumed. */
  readonly resumed: boolean;
}

export interface PostOptions {
  readonly method?: string;
  readonly headers?: Record<string, string | number>;
  readonly agent?: Agent | false;
  readonly cert?: string;
  readonly key?: string;
  readonly timeoutMs?: number;
  /** Sends the headers only and waits for the answer. */
  readonly headersOnly?: boolean;
}

export function sourceOf(name: string, more: Partial<Source> = {}): Source {
  return {
    id: `id-${name}`, name, enabled: true, indexed: true, certificateOnly: false, timeZone: 'UTC', quotas: {},
    createdAt: '2026-01-01T00:00:00Z', keys: [], ...more,
  };
}

export const keyOf = (name: string): string => createHash('sha256').update(name).digest('hex');

/** Keys in memory with the verdicts of the real directory. */
export class TestKeys implements KeyDirectory {
  readonly sources = new Map<string, Source>();
  lookUps = 0;
  available = true;

  add(name: string, more: Partial<Source> = {}, key = keyOf(name)): string {
    this.sources.set(key, sourceOf(name, more));
    return key;
  }

  lookUp(key: string, via: 'path' | 'header' | 'certificate'): KeyVerdict {
    this.lookUps += 1;
    if (!this.available) return { verdict: 'unavailable', retryAfterSeconds: 3 };
    const source = this.sources.get(key);
    if (source === undefined) return { verdict: 'unknown' };
    if (!source.enabled) return { verdict: 'disabled', source };
    if (source.certificateOnly && via !== 'certificate') return { verdict: 'certificate-required', source };
    return { verdict: 'known', source };
  }
}

export interface Running {
  readonly producer: Producer;
  readonly keys: TestKeys;
  readonly settings: MemorySettings;
  readonly volume: Volume;
  readonly port: number;
  readonly registry: Registry;
  readonly storage: { usedFraction: number };
  post(path: string, body: string | Buffer, options?: PostOptions): Promise<Answer>;
  lines(): Promise<string[]>;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly settings?: SettingsPatch;
  readonly volume?: Volume;
  readonly coordination?: Coordination;
  readonly closeFiles?: CloseFiles;
  readonly queue?: QueueProducer;
  readonly keys?: TestKeys;
  readonly dependencies?: Partial<ProducerDependencies>;
}

/** A producer in this process on a free port of ::1; what is not given is in memory. */
export async function startProducer(options: StartOptions = {}): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'resilog-producer-'));
  const settings = new MemorySettings(options.settings ?? {});
  const volume = options.volume ?? new MemoryVolume();
  const keys = options.keys ?? new TestKeys();
  const registry = new Registry();
  const storage = { usedFraction: 0.1 };
  const coordination = options.coordination ?? new MemoryCoordinationServer({ clock: systemClock }).connect();
  await coordination.ensure('/Lanes');
  const closeNothing: CloseFiles = async () => [];
  const producer = createProducer({
    listen: { host: '::1', port: 0 }, member: 'test', volumes: [volume], coordination, keys, settings,
    tls: await ownCertificate({ folder, addresses: ['::1'], clock: systemClock, random: systemRandom }),
    queue: options.queue ?? { put: async () => undefined, depth: async () => ({ items: 0, dead: 0 }) },
    buildBlock, closeFiles: options.closeFiles ?? closeNothing, storage: () => storage,
    clock: systemClock, random: systemRandom, metrics: registry,
    log: process.env.RESILOG_TEST_LOG === undefined
      ? silentLog : createLog({ clock: systemClock, write: (line) => { process.stderr.write(line); } }),
    ...options.dependencies,
  });
  await producer.start();
  await waitFor(() => producer.unready().length === 0);
  const port = producer.address?.port ?? 0;
  return {
    producer, keys, settings, volume, port, registry, storage,
    post: (path, body, postOptions) => post(port, path, body, postOptions),
    lines: () => storedLines(volume),
    stop: async () => {
      await producer.close(10_000);
      if (options.coordination === undefined) await coordination.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function waitFor(condition: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  await until(String(condition), timeoutMs, condition, 20);
}

export function post(port: number, path: string, body: string | Buffer, options: PostOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let continued = false;
    const request = httpsRequest({
      host: '::1', port, path, method: options.method ?? 'POST', rejectUnauthorized: false,
      agent: options.agent ?? false, timeout: options.timeoutMs ?? 30_000,
      headers: { ...(options.headersOnly ? {} : { 'content-length': Buffer.byteLength(body) }), ...options.headers },
      ...(options.cert === undefined ? {} : { cert: options.cert, key: options.key }),
    }, (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      const resumed = (response.socket as TLSSocket).isSessionReused();
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = String(response.headers['content-type']).startsWith('application/json');
        resolve({
          status: response.statusCode ?? 0, headers: response.headers, body: text, continued, resumed,
          json: isJson ? JSON.parse(text) as Answer['json'] : {},
        });
        if (options.headersOnly) request.destroy();
      });
    });
    request.on('continue', () => { continued = true; });
    request.on('timeout', () => { request.destroy(new Error('no answer in time')); });
    request.on('error', reject);
    if (options.headersOnly) request.flushHeaders();
    else request.end(body);
  });
}

/** Every line in the volume's journal, of an in-memory volume. */
export async function storedLines(volume: Volume): Promise<string[]> {
  const lines: string[] = [];
  const statuses = volume instanceof MemoryVolume
    ? [...volume.store.lanes.keys()] : (await volume.journal.unfinishedLanes()).map(({ id }) => id);
  for (const lane of statuses) {
    for await (const block of volume.journal.read(lane, 0, Number.MAX_SAFE_INTEGER)) {
      for (const segment of block.segments) {
        const raw = (await decodeFrame(block, segment.frame)).subarray(segment.offset, segment.offset + segment.bytes);
        lines.push(...raw.toString('latin1').slice(0, -1).split('\n'));
      }
    }
  }
  return lines;
}
