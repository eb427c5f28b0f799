import { pendingBlocks } from '../../src/archive/journal';
import type { MemoryStore } from '../../src/archive/memory-store';
import type { MemoryVolume } from '../../src/archive/memory-volume';
import { containsLine } from '../../src/archive/line-ranges';
import type { Phase } from '../../src/archive/states';
import type { MemoryIndex } from '../../src/index/memory-index';
import type { SentLine } from './client';

/** What was deleted: lines that are meant and were received until then. */
export interface Deleted {
  readonly means: (line: SentLine) => boolean;
  readonly throughMs: number;
}

export interface Outcome {
  readonly volume: MemoryVolume;
  readonly index: MemoryIndex;
  readonly collection: string;
  /** Id of a document → the text that was indexed last under it. */
  readonly indexedTexts: ReadonlyMap<string, string>;
  readonly sent: readonly SentLine[];
  readonly deletion: Deleted | undefined;
  /** Lines of blocks that were made unreadable: a file may miss them, if it says so. */
  readonly damaged: ReadonlySet<string>;
  /** Lines that files said to be missing when they were closed. */
  readonly gapLines: number;
}

/** What is wrong once everything has settled; empty: every acknowledged line is there exactly once, and no other. */
export async function violations(outcome: Outcome): Promise<readonly string[]> {
  const { volume, index, collection, indexedTexts, sent, deletion } = outcome;
  const archived = await archivedLines(volume);
  const wrong: string[] = [];
  const searchable = new Set(index.searchableIds(collection));
  for (const [id, text] of archived) {
    if (!searchable.delete(id)) wrong.push(`${text} is archived as ${id} and not indexed`);
    else if (indexedTexts.get(id) !== text) wrong.push(`${id} is indexed as ${indexedTexts.get(id) ?? ''}, not ${text}`);
  }
  for (const id of searchable) wrong.push(`${id} is indexed and not archived`);
  for (const other of index.collectionNames()) {
    if (other === collection) continue;
    for (const id of index.searchableIds(other)) wrong.push(`${id} is indexed in ${other}`);
  }
  const stored = new Map<string, number>();
  for (const text of archived.values()) stored.set(text, (stored.get(text) ?? 0) + 1);
  const missing = sent.filter(({ text }) => outcome.damaged.has(text) && !stored.has(text));
  for (const line of sent) {
    if (!missing.includes(line)) wrong.push(...wrongCopies(line, stored.get(line.text) ?? 0, deletion));
  }
  const untold = missing.filter((line) => line.isAcknowledged && deletion?.means(line) !== true);
  if (untold.length > outcome.gapLines) {
    wrong.push(`${untold.length} lines of unreadable blocks are missing, files tell of ${outcome.gapLines}`);
  }
  const texts = new Set(sent.map(({ text }) => text));
  for (const text of stored.keys()) if (!texts.has(text)) wrong.push(`nobody sent ${text}`);
  return wrong;
}

function wrongCopies(
  line: SentLine, copies: number, deletion: Outcome['deletion'],
): readonly string[] {
  const { text, receivedMs, isKeyed, isAcknowledged } = line;
  const deleted = deletion?.means(line) === true ? receivedMs.filter((ms) => ms <= deletion.throughMs).length : 0;
  if (deleted === 0 && isAcknowledged && copies === 0) return [`${text} was acknowledged and is lost`];
  if (deleted > 0 && deleted === receivedMs.length && copies > 0) return [`${text} was deleted and is there`];
  const most = isKeyed ? 1 : receivedMs.length;
  const tries = `${receivedMs.length} tries${isKeyed ? ' with a key' : ''}`;
  return copies > most ? [`${text} is there ${copies} times after ${tries}`] : [];
}

/** `<file>!<line>` → text, of every line that was not deleted. */
async function archivedLines(volume: MemoryVolume): Promise<ReadonlyMap<string, string>> {
  const lines = new Map<string, string>();
  for (const file of await volume.files.list({ limit: Infinity })) {
    const state = await volume.states.get(file.id);
    for await (const block of volume.files.readBlocks(file, 0)) {
      block.raw.toString().slice(0, -1).split('\n').forEach((text, index) => {
        const line = block.firstLine + index;
        if (!containsLine(state?.tombstones ?? [], line)) lines.set(`${file.id}!${line}`, text);
      });
    }
  }
  return lines;
}

/** What is left to do in the archive until every file is in one of these phases; undefined: nothing. */
export async function leftToDo(volume: MemoryVolume, settled: ReadonlySet<Phase>): Promise<string | undefined> {
  const { states, deletions }: MemoryStore = volume.store;
  for (const state of states.values()) if (!settled.has(state.phase)) return `file ${state.id} is ${state.phase}`;
  for (const { id, state } of deletions.values()) if (state !== 'done') return `deletion ${id} is ${state}`;
  const blocks = await pendingBlocks(volume.journal);
  return blocks === 0 ? undefined : `${blocks} blocks belong to files that are not closed`;
}
