import { limits } from '../limits';

const SMALLEST_BYTES = 64 * 1024;
/** A block of raw lines with the slack that cutting at a line's end needs: the largest buffer. */
export const FULL_BYTES = limits.blockRawBytes + 1 + SMALLEST_BYTES;

/**
 * Buffers used again. The collector frees large buffers late and the allocator keeps their pages, so that the
 * process would hold several times what is reserved. Only who knows that nobody reads a buffer any more
 * may give it back; one that is never given back is merely collected.
 */
export class BufferPool {
  private readonly free = new Map<number, Buffer[]>();
  private freeBytes = 0;

  /** `room`: bytes that are not reserved at this moment; free buffers beyond that are let go. */
  constructor(private readonly room: () => number) {}

  /** The capacity to take for so many bytes: powers of two and one step between, and at last FULL_BYTES. */
  capacityFor(bytes: number): number {
    if (bytes < SMALLEST_BYTES) return bytes;
    let capacity = SMALLEST_BYTES;
    while (capacity < bytes) {
      if (capacity * 1.5 >= bytes && capacity * 1.5 < FULL_BYTES) return capacity * 1.5;
      capacity *= 2;
    }
    return bytes <= FULL_BYTES ? Math.min(capacity, FULL_BYTES) : bytes;
  }

  /** A buffer of exactly `capacity` bytes, with any content. Its bytes are reserved already. */
  take(capacity: number): Buffer {
    const buffer = this.free.get(capacity)?.pop();
    if (buffer !== undefined) {
      this.freeBytes -= capacity;
      return buffer;
    }
    this.trim();
    return capacity < SMALLEST_BYTES ? Buffer.allocUnsafe(capacity) : Buffer.allocUnsafeSlow(capacity);
  }

  give(buffer: Buffer): void {
    const capacity = buffer.length;
    if (capacity < SMALLEST_BYTES) return;
    if (capacity !== this.capacityFor(capacity)) {
      release(buffer);
      return;
    }
    const buffers = this.free.get(capacity);
    if (buffers === undefined) this.free.set(capacity, [buffer]);
    else buffers.push(buffer);
    this.freeBytes += capacity;
  }

  /** Lets free buffers go until they and the reserved ones are within the budget. */
  private trim(): void {
    const room = Math.max(0, this.room());
    for (const [capacity, buffers] of this.free) {
      while (this.freeBytes > room) {
        const buffer = buffers.pop();
        if (buffer === undefined) break;
        release(buffer);
        this.freeBytes -= capacity;
      }
    }
  }
}

/** Gives the memory back at once; the buffer has no bytes any more. It is its own and not part of a shared one. */
function release({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
