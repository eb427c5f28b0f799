import { isDeepStrictEqual } from 'node:util';
import { readBlock } from '../../src/archive/block-reader';
import { buildBlock, sha256Hex } from '../../src/archive/block-format';
import { compressFrame } from '../../src/archive/compression';
import { decodeRanges, encodeRanges, type StoredRanges } from '../../src/archive/line-ranges';
import { fromDocument, toDocument } from '../../src/archive/mongodb-journal-documents';
import { CorruptionError, InputError } from '../../src/errors';
import { decodeItem, encodeItem } from '../../src/queue/layout';
import { settingsOf } from '../../src/registry/settings-schema';
import { decodeSource, encodeSource } from '../../src/registry/source-document';
import { mutated } from './mutation';
import type { Seeded } from './seeded';

/** One decoding that takes longer hangs, or takes a bomb apart. */
const DECODING_MS = 5_000;

/** Makes a mutation of a valid stored form and decodes it. A sentence when that breaks the rule, else undefined. */
export type DecoderCase = (random: Seeded) => Promise<string | undefined>;

const hex = (random: Seeded, length: number): string =>
  Array.from({ length }, () => random.between(0, 15).toString(16)).join('');

/** Undefined, or what was thrown, if it is one of the two errors that say "this can't be read". */
async function refused(decode: () => unknown): Promise<{ readonly value?: unknown; readonly refused: boolean }> {
  try {
    return { value: await decode(), refused: false };
  } catch (error) {
    if (error instanceof CorruptionError || error instanceof InputError) return { refused: true };
    throw error;
  }
}

async function journalBlock(random: Seeded): Promise<string | undefined> {
  const pieces = Array.from({ length: random.between(1, 4) }, (_, index) => ({
    fileId: hex(random, 24), lines: 2, raw: Buffer.from(`line ${index}\n${hex(random, random.between(1, 200))}\n`), receivedMs: 1_000 + index,
    source: { id: hex(random, 24), name: `source ${index}`, indexed: true, timeZone: 'UTC' },
  }));
  const document = toDocument(await buildBlock('lane', 7, pieces));
  const field = random.of(['table', 'data', 'sha256', 'tableSha256', 'sourcesSha256', 'sources'] as const);
  const former = document[field];
  const changed = Buffer.isBuffer(former) ? mutated(former, random)
    : mutated(Buffer.from(JSON.stringify(former)), random);
  let value: unknown = changed;
  if (!Buffer.isBuffer(former)) {
    try {
      value = JSON.parse(changed.toString());
    } catch {
      return undefined;
    }
  }
  const [wanted, found] = [fromDocument(document), fromDocument({ ...document, [field]: value })];
  return found.corrupt || isDeepStrictEqual(found, wanted) ? undefined : `another ${field} of a block was taken for whole`;
}

async function fileBlock(random: Seeded): Promise<string | undefined> {
  const raw = Buffer.from(`${hex(random, random.between(1, 500))}\n`);
  const stored = await compressFrame(raw);
  const block = {
    offset: 0, length: stored.length, rawBytes: raw.length, firstLine: 0, lines: 1,
    receptions: [[1, 1]] as [number, number][], sha256: sha256Hex(stored),
  };
  const other = mutated(stored, random);
  const outcome = await refused(() => readBlock('f', block, other));
  return outcome.refused || other.equals(stored) ? undefined : 'another stored block of a file was read';
}

/** Of a stored hint or setting: any mutation is refused, or has the form that its readers rely on. */
async function text(
  random: Seeded, valid: Buffer, decode: (data: Buffer) => unknown, encode: (value: never) => Buffer,
): Promise<string | undefined> {
  // What can't be read before it is changed would prove nothing.
  await decode(valid);
  const data = mutated(valid, random);
  const outcome = await refused(() => decode(data));
  if (outcome.refused) return undefined;
  const again = await refused(() => decode(encode(outcome.value as never)));
  return isDeepStrictEqual(again.value, outcome.value) ? undefined : `what was decoded can't be stored: ${data.toString('latin1')}`;
}

const queueItem: DecoderCase = (random) => text(random,
  encodeItem(Array.from({ length: random.between(1, 5) }, () => hex(random, 24))), decodeItem, encodeItem);

const sourceDocument: DecoderCase = (random) => text(random, encodeSource({
  id: hex(random, 24), name: 'web', enabled: true, indexed: true, certificateOnly: false, timeZone: 'UTC',
  quotas: { bytesPerSecond: 5 },
  createdAt: '2026-01-01T00:00:00Z', keys: [{ key: hex(random, 64), createdAt: '2026-01-01T00:00:00Z' }],
}), (data) => decodeSource(data, '/x'), encodeSource);

const settings: DecoderCase = (random) => text(random,
  Buffer.from(JSON.stringify({ intake: { lanes: 3, maxBodyBytes: 2_000_000 }, files: { maxAgeMs: 5_000 } })),
  (data) => {
    let content: unknown;
    try {
      content = JSON.parse(data.toString());
    } catch (cause) {
      throw new InputError('not JSON', { cause });
    }
    return settingsOf(content);
  }, (value) => Buffer.from(JSON.stringify(value)));

async function tombstones(random: Seeded): Promise<string | undefined> {
  const ranges: [number, number][] = [];
  for (let first = random.between(0, 20); ranges.length < 20; first += random.between(2, 50)) {
    ranges.push([first, first]);
  }
  const valid = encodeRanges(ranges, random.of([200, 100_000]));
  const stored: StoredRanges = { kind: valid.kind, data: mutated(valid.data, random) };
  const { refused: isRefused, value } = await refused(() => decodeRanges(stored));
  if (isRefused) return undefined;
  let last = -2;
  for (const [from, to] of value as readonly (readonly [number, number])[]) {
    if (!Number.isSafeInteger(to) || from <= last || to < from) return `ranges out of order: ${from}–${to} after ${last}`;
    last = to;
  }
  return undefined;
}

export const decoderCases: Readonly<Record<string, DecoderCase>> = {
  'a block of the journal': journalBlock, 'a block of a file': fileBlock, 'an item of the queue': queueItem,
  'the document of a source': sourceDocument, 'the settings': settings, 'the tombstones of a file': tombstones,
};

/** Runs a case so many times. Sentences about what went wrong; none when nothing did. */
export async function fuzzDecoder(name: string, random: Seeded, rounds: number): Promise<readonly string[]> {
  const problems: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    try {
      const problem = await decoderCases[name]?.(random);
      if (problem !== undefined) problems.push(`${name}, round ${round}: ${problem}`);
    } catch (error) {
      problems.push(`${name}, round ${round}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
    }
    if (performance.now() - startedMs > DECODING_MS) problems.push(`${name}, round ${round}: took longer than ${DECODING_MS} ms`);
  }
  return problems;
}
