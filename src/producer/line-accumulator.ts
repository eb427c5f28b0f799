import { limits } from '../limits';
import { splitLines } from '../lines';
import { FULL_BYTES, type BufferPool } from './buffer-pool';
import { bodyTooLarge, lineTooLong } from './intake-error';
import type { Reservation } from './body-budget';

const LF = 10;
/** Bytes taken in one step; FULL_BYTES has room for one beyond a full block. */
const STEP_BYTES = 64 * 1024;
const FIRST_BYTES = 16 * 1024;

/** Whole lines that fit in one block. */
export interface LineRun {
  readonly lines: number;
  readonly raw: Buffer;
}

export interface LineAccumulatorOptions {
  /** Every buffer is reserved here before it is made. */
  readonly reservation: Reservation;
  readonly pool: BufferPool;
  /** Largest body in raw bytes as they come; above: 413. */
  readonly maxBytes: number;
  /** Length of the body when it is known, to make the buffer once. */
  readonly expectedBytes?: number;
}

/**
 * Takes a body as it arrives and gives its lines as they will be stored, in runs of whole lines of at most one block
 * (a line of the largest size with its LF may pass that by one byte). Splitting is the shared splitter's.
 */
export class LineAccumulator {
  private readonly runs: LineRun[] = [];
  private buffer: Buffer = Buffer.alloc(0);
  private used = 0;
  private receivedBytes = 0;
  /** Buffers that runs lie in. */
  private readonly filled: Buffer[] = [];

  constructor(private readonly options: LineAccumulatorOptions) {}

  /**
   * Undefined when the chunk is taken, a promise when it has to wait for memory; the next call comes after it.
   * IntakeError, thrown or rejected: 413 when a limit is passed or the whole memory would not do, 503 when there is
   * none at this moment.
   */
  append(chunk: Buffer): Promise<void> | undefined {
    if (this.receivedBytes + chunk.length > this.options.maxBytes) throw bodyTooLarge(this.options.maxBytes);
    return this.stepsFrom(chunk, 0);
  }

  /** Ends the last line and gives all runs. Call once. */
  async finish(): Promise<{ readonly runs: readonly LineRun[]; readonly lines: number; readonly bytes: number }> {
    if (this.used > 0 && this.buffer[this.used - 1] !== LF) await this.step(Buffer.from([LF]));
    if (this.used > 0) await this.cut(this.used);
    const sum = (value: (run: LineRun) => number): number => this.runs.reduce((total, run) => total + value(run), 0);
    return { runs: this.runs, lines: sum((run) => run.lines), bytes: sum((run) => run.raw.length) };
  }

  /** Gives all buffers back. Only when nobody reads the runs any more. */
  recycle(): void {
    for (const buffer of this.filled.splice(0)) this.options.pool.give(buffer);
    this.options.pool.give(this.buffer);
    this.buffer = Buffer.alloc(0);
    this.used = 0;
  }

  private stepsFrom(chunk: Buffer, from: number): Promise<void> | undefined {
    for (let start = from; start < chunk.length; start += STEP_BYTES) {
      const waiting = this.step(chunk.subarray(start, start + STEP_BYTES));
      if (waiting !== undefined) return waiting.then(() => this.stepsFrom(chunk, start + STEP_BYTES));
    }
    return undefined;
  }

  private step(chunk: Buffer): Promise<void> | undefined {
    this.receivedBytes += chunk.length;
    return after(this.room(chunk.length), () => this.put(chunk));
  }

  private put(chunk: Buffer): Promise<void> | undefined {
    this.used += chunk.copy(this.buffer, this.used);
    if (this.used <= limits.blockRawBytes) return undefined;
    const view = this.buffer.subarray(0, this.used);
    const last = view.lastIndexOf(LF, limits.blockRawBytes - 1);
    const lf = last === -1 ? view.indexOf(LF) : last;
    if (lf !== -1) return this.cut(lf + 1);
    if (this.used > limits.lineBytes) throw lineTooLong(limits.lineBytes);
    return undefined;
  }

  /** Makes room for `bytes` more: doubles the buffer, or makes it once when the length is known. */
  private room(bytes: number): Promise<void> | undefined {
    if (this.used + bytes <= this.buffer.length) return undefined;
    const needed = this.used + bytes;
    const { expectedBytes } = this.options;
    const wanted = expectedBytes === undefined
      ? Math.max(FIRST_BYTES, this.buffer.length * 2) : needed + Math.max(0, expectedBytes - this.receivedBytes) + 1;
    return this.replace(Math.max(needed, Math.min(wanted, FULL_BYTES)), 0);
  }

  /** Moves what lies behind `from` to a new buffer; the new one is reserved before the old one is given back. */
  private replace(bytes: number, from: number): Promise<void> | undefined {
    const { pool, reservation } = this.options;
    const capacity = pool.capacityFor(bytes);
    return after(reservation.grow(capacity), () => {
      const buffer = pool.take(capacity);
      this.buffer.copy(buffer, 0, from, this.used);
      if (from > 0) {
        this.filled.push(this.buffer);
      } else {
        pool.give(this.buffer);
        reservation.shrink(this.buffer.length);
      }
      this.buffer = buffer;
      return undefined;
    });
  }

  /** Gives out the lines before `end`; the rest begins a new buffer. */
  private cut(end: number): Promise<void> | undefined {
    const { content, lines, longestBytes } = splitLines(this.buffer.subarray(0, end));
    if (longestBytes > limits.lineBytes + 1) throw lineTooLong(limits.lineBytes);
    if (lines > 0) this.runs.push({ lines, raw: content });
    const rest = this.used - end;
    if (rest > 0) {
      return after(this.replace(Math.min(FULL_BYTES, Math.max(FIRST_BYTES, rest * 2)), end), () => {
        this.used = rest;
        return undefined;
      });
    }
    this.filled.push(this.buffer);
    this.buffer = Buffer.alloc(0);
    this.used = rest;
    return undefined;
  }
}

/** Goes on at once when there was nothing to wait for: most steps have their memory, and a promise each would cost. */
function after(waiting: Promise<void> | undefined, next: () => Promise<void> | undefined): Promise<void> | undefined {
  return waiting === undefined ? next() : waiting.then(next);
}
