/** A batch that took longer than this is a reason not to send more. */
const SLOW_MS = 2_000;
const SMALLEST_BATCH = 25;
/** No setting allows larger ones. */
const LARGEST_BATCH = 100_000;
/** A cold index is slow: batches begin small, one at a time, and grow as they are managed. */
const FIRST_BATCH = 250;
const GROWTH = 1.25;

/**
 * How much the index is given at once: what it was found to manage. An index that is given more than it can take in
 * before requests time out works on requests that nobody waits for any more, and gets all of it again: then nothing
 * ever arrives. So both figures fall by half at each request without an answer and rise slowly.
 */
export class Pace {
  private documentsManaged = FIRST_BATCH;
  private requestsManaged = 1;

  /** Documents of one request. */
  get documents(): number {
    return this.documentsManaged;
  }

  /** Requests at once. */
  get requests(): number {
    return this.requestsManaged;
  }

  accepted(durationMs: number): void {
    if (durationMs >= SLOW_MS) return;
    this.documentsManaged = Math.min(LARGEST_BATCH, Math.ceil(this.documentsManaged * GROWTH));
    this.requestsManaged += 1;
  }

  /** A request of so many documents, one of so many at once, got no answer. */
  unanswered(documents: number, requests: number): void {
    this.documentsManaged = Math.max(SMALLEST_BATCH, Math.ceil(Math.min(documents, this.documentsManaged) / 2));
    this.requestsManaged = Math.max(1, Math.floor(Math.min(requests, this.requestsManaged) / 2));
  }
}
