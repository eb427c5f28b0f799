import { pendingBlocks } from '../../src/archive/journal';
import type { ConnectedServices } from '../../src/process/services';
import { archivedLines, listStates } from '../end-to-end/support/inspect';
import type { LineName, Lines } from './lines';
import type { Obligations } from './obligations';

const ROWS = 1_000;
const SHOWN = 20;

/** What was found wrong. Every number is 0 when the promise was kept. */
export interface Verdict {
  /** Lines that were acknowledged. */
  obligations: number;
  /** Lines found in the archive. */
  archived: number;
  indexed: number;
  lost: number;
  duplicated: number;
  altered: number;
  /** The first of each, and what does not agree with what; for people. */
  readonly details: string[];
}

/** How often each line of each request was found. */
class Found {
  private readonly counts: Uint8Array[][] = [];
  foreign = 0;
  total = 0;

  constructor(private readonly owed: Obligations) {}

  count(name: LineName | undefined): void {
    this.total += 1;
    const request = name === undefined ? undefined : this.of(name.client, name.request);
    if (name === undefined || request === undefined || name.line >= request.length) this.foreign += 1;
    else request[name.line] = Math.min(255, (request[name.line] ?? 0) + 1);
  }

  of(client: number, request: number): Uint8Array | undefined {
    const owed = this.owed[client]?.[request];
    if (owed === undefined) return undefined;
    return (this.counts[client] ??= [])[request] ??= new Uint8Array(owed.lines);
  }
}

/**
 * Reads archive and index whole and compares both, line by line, with what the clients were promised; and the counters
 * of files, journal and queue with one another. To be asked when everything is idle and verified.
 */
export async function judge(
  services: ConnectedServices, sources: readonly string[], lines: Lines, owed: Obligations,
): Promise<Verdict> {
  const verdict: Verdict = { obligations: 0, archived: 0, indexed: 0, lost: 0, duplicated: 0, altered: 0, details: [] };
  const [archived, indexed] = [new Found(owed), new Found(owed)];
  for (const source of sources) {
    for await (const line of archivedLines(services, source)) archived.count(lines.nameOf(line));
    for await (const tags of indexedTags(services, source)) indexed.count(lines.nameOfTags(tags));
  }
  verdict.archived = archived.total;
  verdict.indexed = indexed.total;
  verdict.altered = archived.foreign + indexed.foreign;
  if (verdict.altered > 0) tell(verdict, `ALTERED: ${archived.foreign} in the archive, ${indexed.foreign} in the index`);
  compare(owed, archived, indexed, verdict);
  await compareCounters(services, archived.total, verdict);
  return verdict;
}

function compare(owed: Obligations, archived: Found, indexed: Found, verdict: Verdict): void {
  for (const [client, requests] of owed.entries()) {
    for (const [request, { lines, least, most }] of requests.entries()) {
      verdict.obligations += lines * least;
      for (let line = 0; line < lines; line += 1) {
        const kept = archived.of(client, request)?.[line] ?? 0;
        const found = indexed.of(client, request)?.[line] ?? 0;
        const name = `${client}/${request}/${line}`;
        if (kept < least || found < kept) {
          verdict.lost += 1;
          tell(verdict, `LOST ${name}: promised ${least}, archived ${kept}, indexed ${found}`);
        } else if (kept > most || found > kept) {
          verdict.duplicated += 1;
          tell(verdict, `DUPLICATED ${name}: at most ${most}, archived ${kept}, indexed ${found}`);
        }
      }
    }
  }
}

async function compareCounters(services: ConnectedServices, archived: number, verdict: Verdict): Promise<void> {
  const states = await listStates(services);
  for (const { id, phase, position, lines } of states) {
    if (phase !== 'verified' || position !== lines) tell(verdict, `FILE ${id}: ${phase}, ${position} of ${lines} lines`);
  }
  const counted = states.reduce((sum, { lines }) => sum + lines, 0);
  if (counted !== archived) tell(verdict, `STATES tell of ${counted} lines, the archive has ${archived}`);
  for (const { journal } of await services.volumes()) {
    const pending = await pendingBlocks(journal);
    if (pending > 0) tell(verdict, `JOURNAL: ${pending} blocks have an open file`);
  }
  const { items, dead } = await (await services.queue()).depth();
  if (items + dead > 0) tell(verdict, `QUEUE: ${items} items, ${dead} dead letters`);
}

async function* indexedTags(
  services: ConnectedServices, source: string,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const index = await services.index();
  const collections = await services.collections();
  let cursor: string | undefined;
  do {
    const page = await index.search(collections, {
      query: { text: '*', source }, rows: ROWS, ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { tags } of page.hits) yield tags;
    ({ cursor } = page);
  } while (cursor !== undefined);
}

function tell(verdict: Verdict, detail: string): void {
  if (verdict.details.length < SHOWN) verdict.details.push(detail);
}
