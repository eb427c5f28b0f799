import { open, readFile, type FileHandle } from 'node:fs/promises';

/** What the system under test owes for one request. */
export interface Obligation {
  /** How many lines it has. */
  readonly lines: number;
  /** How often each has to be found at least: 1 when it was acknowledged. */
  least: number;
  /** And at most: attempts whose outcome nobody knows may have been stored. */
  most: number;
}

/** client → request → what is owed. */
export type Obligations = readonly (readonly Obligation[])[];

type Event = 'sent' | 'acknowledged';

interface Waiting {
  readonly text: string;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * The clients' own record of what they sent and what they were promised, on disk before anything goes on, so that it
 * outlives every part of the run. One line an event: `<event> <client> <request> <lines> <keyed>`.
 */
export class ObligationRecord {
  private waiting: Waiting[] = [];
  private writing = false;

  private constructor(private readonly file: FileHandle) {}

  static async create(path: string): Promise<ObligationRecord> {
    return new ObligationRecord(await open(path, 'ax'));
  }

  /** Resolves when the event is on disk. */
  write(event: Event, client: number, request: number, lines: number, keyed: boolean): Promise<void> {
    return new Promise((done, failed) => {
      this.waiting.push({ text: `${event} ${client} ${request} ${lines} ${keyed ? 1 : 0}\n`, done, failed });
      void this.flush();
    });
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private async flush(): Promise<void> {
    if (this.writing) return;
    this.writing = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        await this.file.write(batch.map(({ text }) => text).join(''));
        await this.file.datasync();
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.writing = false;
  }
}

/** Reads the record back. */
export async function readObligations(path: string): Promise<Obligations> {
  const clients: Obligation[][] = [];
  for (const text of (await readFile(path, 'latin1')).split('\n')) {
    if (text === '') continue;
    const [event, ...numbers] = text.split(' ');
    const [client = 0, request = 0, lines = 0, keyed = 0] = numbers.map(Number);
    const owed = ((clients[client] ??= [])[request] ??= { lines, least: 0, most: 0 });
    // With a key every attempt is the same request.
    if (event === 'sent') owed.most = keyed === 1 ? 1 : owed.most + 1;
    else owed.least = 1;
  }
  return clients;
}
