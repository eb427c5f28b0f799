import type { Seeded } from './seeded';

const TELLING = [0, 1, 9, 10, 13, 32, 34, 44, 48, 58, 123, 125, 127, 128, 255];

/** The same bytes with one to four changes: a bit, a byte, a piece taken out, doubled, cut off, or put in. */
export function mutated(bytes: Buffer, random: Seeded): Buffer {
  let result = bytes;
  for (let change = random.between(1, 4); change > 0; change -= 1) result = changed(result, random);
  return result;
}

function changed(bytes: Buffer, random: Seeded): Buffer {
  const at = random.between(0, Math.max(0, bytes.length - 1));
  const length = random.between(1, 16);
  const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
  switch (random.between(0, 6)) {
    case 0: {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << random.between(0, 7));
      return copy;
    }
    case 1: return Buffer.concat([before, Buffer.from([random.of(TELLING)]), bytes.subarray(at + 1)]);
    case 2: return Buffer.concat([before, after]);
    case 3: return Buffer.concat([before, piece, piece, after]);
    case 4: return Buffer.from(before);
    case 5: {
      const noise = Buffer.from(Array.from({ length }, () => random.between(0, 255)));
      return Buffer.concat([before, noise, bytes.subarray(at)]);
    }
    default: return Buffer.concat([before, Buffer.from([random.of(TELLING)]), bytes.subarray(at)]);
  }
}
