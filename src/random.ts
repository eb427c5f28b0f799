import { randomBytes } from 'node:crypto';

/** Randomness, injected so that a seeded simulation repeats. */
export interface Random {
  /** `length` random bytes, cryptographically strong in production. */
  bytes(length: number): Buffer;
  /** A number in [0, 1). */
  fraction(): number;
}

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  fraction: () => randomBytes(4).readUInt32BE() / 2 ** 32,
};

/** A random identifier of `length` bytes in lower-case hex. */
export function randomHex(random: Random, length: number): string {
  return random.bytes(length).toString('hex');
}
