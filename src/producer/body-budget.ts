import { invariant } from '../errors';
import { memoryExhausted } from './intake-error';

/** A request's share of the memory budget. Grows in steps while a body of unknown length arrives. */
export interface Reservation {
  readonly bytes: number;
  /** Takes `bytes` more. IntakeError 503 when there are none left; what is held already stays held. */
  grow(bytes: number): void;
  /** Gives `bytes` back, e.g. of a buffer that was copied into a larger one. */
  shrink(bytes: number): void;
  /** Gives everything back. Idempotent. */
  release(): void;
}

/**
 * Memory that bodies may take together. It is reserved before it is used and never waited for: a request that
 * waited while it holds memory could block the very requests that would free some (schedule 31: eight bodies, each
 * half read, none able to finish). So a refusal is a 503, and the client comes again.
 */
export class MemoryBudget {
  private usedBytes = 0;

  /** `limit` is asked at each reservation, so that a changed setting applies at once. */
  constructor(private readonly limit: () => number) {}

  get used(): number {
    return this.usedBytes;
  }

  /** Takes `bytes` at once, or throws IntakeError 503. */
  reserve(bytes: number): Reservation {
    this.take(bytes);
    return this.reservation(bytes);
  }

  private take(bytes: number): void {
    invariant(bytes >= 0, 'a reservation is not negative');
    if (this.usedBytes + bytes > this.limit()) throw memoryExhausted();
    this.usedBytes += bytes;
  }

  private reservation(first: number): Reservation {
    let held = first;
    const giveBack = (bytes: number): void => {
      invariant(bytes <= held, 'more memory given back than was reserved');
      held -= bytes;
      this.usedBytes -= bytes;
    };
    return {
      get bytes() {
        return held;
      },
      grow: (bytes) => {
        this.take(bytes);
        held += bytes;
      },
      shrink: giveBack,
      release: () => {
        giveBack(held);
      },
    };
  }
}
