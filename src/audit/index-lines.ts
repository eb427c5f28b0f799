import { Phase, type FileState } from '../archive/states';
import { containsLine } from '../archive/line-ranges';
import type { LogIndex } from '../index/ports';
import type { Pace } from './pace';

/** Ids of one sort that are kept for a repair; a file with more is mended in several rounds. */
const KEPT_IDS = 10_000;

/** How what the index has of a file differs from what it should have. */
export interface IndexLines {
  /** Lines that should be there and are not. */
  readonly missing: number;
  readonly firstMissing: number | undefined;
  /** Ids that are there twice. */
  readonly doubled: readonly string[];
  /** Ids that are no lines of the file. */
  readonly alien: readonly string[];
  /** Ids of deleted lines. */
  readonly buried: readonly string[];
  /** Ids of lines that were set aside. */
  readonly refused: readonly string[];
  /** There is more of one sort than is kept here. */
  readonly cut: boolean;
}

/** Goes through the ids that the index has of a file. Holds one bit a line and a bounded number of ids. */
export async function readIndexLines(
  state: FileState, setAside: ReadonlySet<number>, { index, pace }: { readonly index: LogIndex; readonly pace: Pace },
): Promise<IndexLines> {
  const seen = Buffer.alloc(Math.ceil(state.lines / 8));
  const doubled: string[] = [];
  const alien: string[] = [];
  const buried: string[] = [];
  const refused: string[] = [];
  let cut = false;
  const keep = (ids: string[], id: string): void => {
    if (ids.length < KEPT_IDS) ids.push(id);
    else cut = true;
  };
  await pace.query();
  for await (const page of index.findIds([state.collection], { text: '*', fileId: state.id })) {
    for (const id of page) {
      const line = lineOf(state, id);
      if (line === undefined) {
        keep(alien, id);
        continue;
      }
      const bit = 1 << (line & 7);
      const byte = seen[line >> 3] ?? 0;
      if ((byte & bit) !== 0) keep(doubled, id);
      seen[line >> 3] = byte | bit;
      if (containsLine(state.tombstones, line)) keep(buried, id);
      else if (setAside.has(line)) keep(refused, id);
    }
    await pace.query();
  }
  let missing = 0;
  let firstMissing: number | undefined;
  for (let line = 0; line < state.lines; line += 1) {
    if (((seen[line >> 3] ?? 0) >> (line & 7)) & 1) continue;
    if (setAside.has(line) || containsLine(state.tombstones, line)) continue;
    missing += 1;
    firstMissing ??= line;
  }
  return { missing, firstMissing, doubled, alien, buried, refused, cut };
}

/** Number of the line that an id names; undefined when the file has no such line. */
function lineOf(state: FileState, id: string): number | undefined {
  const { id: fileId, lines } = state;
  const text = id.startsWith(`${fileId}!`) ? id.slice(fileId.length + 1) : '';
  // Of a file that is only archived the index has nothing.
  if (state.phase === Phase.archived) return undefined;
  const line = /^(?:0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
  return line < lines ? line : undefined;
}
