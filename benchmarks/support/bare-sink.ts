/**
 * The least that a durable intake over HTTPS does, in a process of its own: reads a body, hashes it, appends it to a
 * file and answers after an fsync that came after the write. Requests that arrive during one fsync share the next.
 * Arguments: folder. Prints its port, then nothing.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../src/clock';
import { ownCertificate } from '../../src/producer/certificate';
import { systemRandom } from '../../src/random';

interface Waiting {
  readonly body: readonly Buffer[];
  readonly answer: () => void;
}

async function main(folder: string): Promise<void> {
  const file = await open(join(folder, 'sink'), 'w');
  const { certificate: cert, key } = await ownCertificate({
    folder, addresses: ['::1'], clock: systemClock, random: systemRandom,
  });
  let waiting: Waiting[] = [];
  let writing = false;
  const write = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await file.writev(batch.flatMap(({ body }) => body));
      await file.datasync();
      for (const { answer } of batch) answer();
    }
    writing = false;
  };
  const server = createServer({ cert, key, minVersion: 'TLSv1.2' }, (request, response) => {
    const body: Buffer[] = [];
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => {
      body.push(chunk);
      hash.update(chunk);
    });
    request.on('end', () => {
      const answer = (): void => { response.end(hash.digest('hex')); };
      waiting.push({ body, answer });
      if (!writing) void write();
    });
  });
  server.listen(0, '::1', () => { process.stdout.write(`${(server.address() as AddressInfo).port}\n`); });
}

void main(process.argv[2] ?? '.');
