import { CorruptionError, invariant } from '../errors';

/** Unsigned LEB128 numbers up to 2^53 − 1, and zigzag for signed ones: for the compact tables of stored documents. */
export class VarintWriter {
  private buffer = Buffer.allocUnsafe(64);
  private length = 0;

  unsigned(value: number): this {
    invariant(Number.isSafeInteger(value) && value >= 0, 'a varint is a non-negative integer');
    if (this.length + 8 > this.buffer.length) this.buffer = Buffer.concat([this.buffer], this.buffer.length * 2);
    let rest = value;
    while (rest >= 128) {
      this.buffer[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.length++] = rest;
    return this;
  }

  signed(value: number): this {
    return this.unsigned(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  finish(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.length));
  }
}

export class VarintReader {
  private at = 0;

  constructor(private readonly buffer: Buffer) {}

  get ended(): boolean {
    return this.at >= this.buffer.length;
  }

  unsigned(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count += 1) {
      const byte = this.buffer[this.at++];
      if (byte === undefined) throw new CorruptionError('a table of numbers ends early');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw new CorruptionError('a number in a table is too long');
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
