import { invariant } from '../errors';

interface Part {
  readonly next: number;
  done: boolean;
}

/**
 * The low-water mark of parts that are worked on at the same time: everything before `position` is done. Only this
 * may be written as Position: a later part that was accepted while an earlier one was not would leave a gap for
 * ever (schedule 8).
 */
export class PositionTracker {
  private parts: Part[] = [];
  private last: number;

  constructor(private low: number) {
    this.last = low;
  }

  get position(): number {
    return this.low;
  }

  /** Announces the part [end of the former part, next). The returned function says that it is done. */
  begin(first: number, next: number): () => void {
    invariant(first === this.last && next > first, `part [${first}, ${next}) does not follow ${this.last}`);
    this.last = next;
    const part: Part = { next, done: false };
    this.parts.push(part);
    return () => {
      part.done = true;
      let finished = 0;
      while (this.parts[finished]?.done) finished += 1;
      if (finished === 0) return;
      this.low = this.parts[finished - 1]?.next ?? this.low;
      this.parts = this.parts.slice(finished);
    };
  }
}
