import type { PatternProgress } from './pattern-control';

/** No line, or no pattern, is being worked on. */
export const NONE = -1;

const LINE = 0;
const PATTERN = 1;
const THREAD = 2;
const FIELDS = 3;

/** What a thread is doing, in memory that it shares with the pool: readable while a regular expression runs. */
export class WorkerProgress implements PatternProgress {
  private readonly fields: Int32Array;

  constructor(readonly memory: SharedArrayBuffer = newMemory()) {
    this.fields = new Int32Array(memory);
  }

  /** The line, by its number among all that the thread is given. */
  enterLine(line: number): void {
    Atomics.store(this.fields, LINE, line);
    this.fields[PATTERN] = NONE;
  }

  /** The pattern, by its number in the set. A plain store: the watch looks again and again. */
  enter(pattern: number): void {
    this.fields[PATTERN] = pattern;
  }

  get line(): number {
    return Atomics.load(this.fields, LINE);
  }

  get pattern(): number {
    return Atomics.load(this.fields, PATTERN);
  }

  /** The operating system's number of the thread; 0: unknown. */
  get thread(): number {
    return Atomics.load(this.fields, THREAD);
  }

  set thread(id: number) {
    Atomics.store(this.fields, THREAD, id);
  }
}

function newMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(FIELDS * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(memory).set([NONE, NONE, 0]);
  return memory;
}
