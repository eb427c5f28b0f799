import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { MongoClient } from 'mongodb';
import { mongodbAccessOptions, type MongodbAccess } from '../../archive/mongodb-access';
import { ConfigurationError, messageOf } from '../../errors';
import type { ServerAccess } from '../../server-access';
import { httpProbe } from './http-probe';

/** Asks a component once whether it can work. Rejects with the reason when it can't. */
export interface HealthProbe {
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Time in which a component must answer. */
const ANSWER_LIMIT_MS = 3_000;
const ANSWER_BYTES_MAX = 64 * 1024;
const FORMS = 'tcp:[address]:port, tcp:[address]:port:send=expect, http(s)://…, mongodb://… or exec:command';

/** How the probe proves itself to the component, and whom it trusts. */
export interface HealthAccess {
  readonly mongodb: MongodbAccess | undefined;
  readonly solr: ServerAccess | undefined;
}

/** ConfigurationError when the text is none of the forms that docs/specs/registry.md describes. */
export function parseHealth(text: string, access?: HealthAccess): HealthProbe {
  if (text.startsWith('tcp:')) return tcpProbe(text);
  if (/^https?:\/\//.test(text)) return httpProbe(text, access?.solr, ANSWER_LIMIT_MS);
  if (/^mongodb:\/\//.test(text)) return mongodbProbe(text, access?.mongodb);
  if (text.startsWith('exec:') && text.length > 5) return execProbe(text.slice(5));
  throw new ConfigurationError(`"${text}" is not a health check`, { remedy: `write ${FORMS}` });
}

/** Connects; with `send=expect` sends the word and wants the other within the answer (ZooKeeper's ruok=imok). */
function tcpProbe(text: string): HealthProbe {
  const match = /^tcp:(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})(?::([^=]+)=(.+))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new ConfigurationError(`"${text}" is not a health check`, { remedy: `write ${FORMS}` });
  }
  const [send, expected] = [match?.[4], match?.[5]];
  const check = (): Promise<void> => new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host, port }, () => {
      if (send === undefined) socket.destroy();
      else socket.write(send);
    });
    socket.setTimeout(ANSWER_LIMIT_MS, () => socket.destroy(new Error('no answer')));
    socket.on('data', (data: Buffer) => {
      if (answer.length < ANSWER_BYTES_MAX) answer += data.toString('latin1');
      if (expected !== undefined && answer.includes(expected)) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      if (expected === undefined || answer.includes(expected)) resolve();
      else reject(new Error(`answered ${JSON.stringify(answer.slice(0, 100))} instead of ${expected}`));
    });
  });
  return { check, close: () => Promise.resolve() };
}

/** Healthy as the primary or a secondary of a replica set: not while it starts, rolls back or is not initiated. */
function mongodbProbe(url: string, access: MongodbAccess | undefined): HealthProbe {
  let client: MongoClient | undefined;
  const forget = async (): Promise<void> => {
    const former = client;
    client = undefined;
    await former?.close();
  };
  const check = async (): Promise<void> => {
    client ??= new MongoClient(url, {
      ...mongodbAccessOptions(url, access),
      directConnection: true,
      serverSelectionTimeoutMS: ANSWER_LIMIT_MS,
      connectTimeoutMS: ANSWER_LIMIT_MS,
      socketTimeoutMS: ANSWER_LIMIT_MS,
      maxPoolSize: 1,
    });
    try {
      const hello = await client.db('admin').command({ hello: 1 });
      if (hello.isWritablePrimary !== true && hello.secondary !== true) {
        throw new Error(typeof hello.info === 'string' ? hello.info : 'neither primary nor secondary');
      }
    } catch (error) {
      await forget();
      throw error;
    }
  };
  return { check, close: forget };
}

/** Runs a command by the shell; healthy when it ends with 0. */
function execProbe(command: string): HealthProbe {
  const check = (): Promise<void> => new Promise((resolve, reject) => {
    execFile('/bin/sh', ['-c', command], { timeout: ANSWER_LIMIT_MS, killSignal: 'SIGKILL' }, (error, _out, problems) => {
      if (error === null) resolve();
      else reject(new Error(`${messageOf(error)} ${problems.slice(0, 200)}`.trim()));
    });
  });
  return { check, close: () => Promise.resolve() };
}
