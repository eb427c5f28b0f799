import type { Clock } from '../clock';
import { invariant } from '../errors';
import { limits } from '../limits';
import { bodyBeyondMemory, memoryExhausted } from './intake-error';

/** A request's share of the memory budget. Grows while its body arrives. */
export interface Reservation {
  readonly bytes: number;
  /**
   * Takes `bytes` more: at once (undefined), or when others have given enough back. Rejects with IntakeError: 413 when
   * the whole memory would not be enough, 503 when there will be none; what is held already stays held. One call at a
   * time.
   */
  grow(bytes: number): Promise<void> | undefined;
  /** Gives `bytes` back, e.g. of a buffer that was copied into a larger one. */
  shrink(bytes: number): void;
  /** Gives everything back; a call of `grow` that waits is refused. Idempotent. */
  release(): void;
}

interface Waiter {
  readonly bytes: number;
  grant(): void;
  refuse(): void;
}

interface Holder {
  held: number;
  waiter: Waiter | undefined;
}

/**
 * Memory that bodies may take together, reserved before it is used. A body for which there is none at this moment is
 * not read on until others have given some back: what a client has sent already is not thrown away for a moment's
 * shortage, and its connection slows down by itself. So that waiting can't block the very requests that would
 * free memory (schedule 31: eight bodies, each half read, none able to finish):
 *
 * - memory goes to who began first, and nobody takes any while somebody older waits: the oldest always gets on;
 * - when everybody who holds memory waits for more, nobody would ever give any back: the youngest is refused then,
 *   again and again, until the oldest can be served;
 * - nobody waits longer than `limits.memoryWaitMs`, e.g. for a body that arrives slowly, and only so many do at once.
 *
 * Who is refused gets 503, gives back what it held, and comes again; whose body would not fit alone gets 413.
 */
export class MemoryBudget {
  private usedBytes = 0;
  private waiting = 0;
  /** In the order in which they began. */
  private readonly holders = new Set<Holder>();

  /** `limit` is asked at each reservation, so that a changed setting applies at once. */
  constructor(private readonly limit: () => number, private readonly clock: Clock) {}

  get used(): number {
    return this.usedBytes;
  }

  /** A share without anything in it yet. */
  open(): Reservation {
    const holder: Holder = { held: 0, waiter: undefined };
    this.holders.add(holder);
    return {
      get bytes() {
        return holder.held;
      },
      grow: (bytes) => this.grow(holder, bytes),
      shrink: (bytes) => { this.giveBack(holder, bytes); },
      release: () => {
        this.holders.delete(holder);
        holder.waiter?.refuse();
        this.giveBack(holder, holder.held);
      },
    };
  }

  private grow(holder: Holder, bytes: number): Promise<void> | undefined {
    invariant(bytes >= 0, 'a reservation is not negative');
    invariant(holder.waiter === undefined, 'a request reserves memory once at a time');
    // The request has ended meanwhile, e.g. by its time limit.
    if (!this.holders.has(holder)) return Promise.reject(memoryExhausted());
    if (this.fits(bytes) && !this.olderWaits(holder)) {
      this.take(holder, bytes);
      return undefined;
    }
    if (holder.held + bytes > this.limit()) return Promise.reject(bodyBeyondMemory(this.limit()));
    // Too many who wait hold memory of another kind.
    return this.waiting >= limits.memoryWaiters ? Promise.reject(memoryExhausted()) : this.wait(holder, bytes);
  }

  private wait(holder: Holder, bytes: number): Promise<void> {
    const waited = new Promise<void>((resolve, reject) => {
      const end = (): void => {
        cancel();
        holder.waiter = undefined;
        this.waiting -= 1;
      };
      const waiter: Waiter = {
        bytes,
        grant: () => {
          end();
          this.take(holder, bytes);
          resolve();
        },
        refuse: () => {
          end();
          reject(memoryExhausted());
        },
      };
      const cancel = this.clock.timer(limits.memoryWaitMs, () => {
        waiter.refuse();
        this.serve();
      });
      holder.waiter = waiter;
      this.waiting += 1;
    });
    this.serve();
    return waited;
  }

  private take(holder: Holder, bytes: number): void {
    holder.held += bytes;
    this.usedBytes += bytes;
  }

  private giveBack(holder: Holder, bytes: number): void {
    invariant(bytes <= holder.held, 'more memory given back than was reserved');
    holder.held -= bytes;
    this.usedBytes -= bytes;
    this.serve();
  }

  private fits(bytes: number): boolean {
    return this.usedBytes + bytes <= this.limit();
  }

  private olderWaits(holder: Holder): boolean {
    if (this.waiting === 0) return false;
    for (const other of this.holders) {
      if (other === holder) return false;
      if (other.waiter !== undefined) return true;
    }
    return false;
  }

  /** Grants what fits, oldest first, up to the first that does not; breaks the deadlock if that leaves one. */
  private serve(): void {
    if (this.waiting === 0) return;
    for (const { waiter } of this.holders) {
      if (waiter === undefined) continue;
      if (!this.fits(waiter.bytes)) break;
      waiter.grant();
    }
    const holding = [...this.holders].filter(({ held }) => held > 0);
    // Who is refused now gives its memory back within the same turn, which leads here again.
    if (holding.length > 0 && holding.every(({ waiter }) => waiter !== undefined)) holding.at(-1)?.waiter?.refuse();
  }
}
