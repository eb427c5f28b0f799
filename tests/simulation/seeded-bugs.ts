import type { Patch } from './compiled';
import type { SeedRange } from './schedules-worker';

/** A defect that the program could have, planted in a copy of its sources. */
export interface SeededBug {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** What is said when it shows. */
  readonly message: RegExp;
  /** The first seed that shows it, from 1: after so many schedules a search finds it. */
  readonly firstSeed: number;
  /** The kind of schedules to search in, where ordinary ones hardly come by it. */
  readonly options?: SeedRange['options'];
}

/** Files of many lines, which take several batches, and are indexed again in the middle. */
const CROWDED = { hostile: true, clients: 6, requests: 4 };
/** With the audit going round all the while. */
const AUDITED = { audited: 'throughout' as const };
const LOST = /acknowledged and is lost|does not settle/;

export const seededBugs: readonly SeededBug[] = [
  {
    name: 'the audit compares files in work', firstSeed: 8, options: AUDITED, message: /the audit says/,
    patches: [
      { file: 'audit/index-stage.ts', from: '  return phase === Phase.verified ||', to: '  return phase !== Phase.dead ||' },
      { file: 'audit/index-stage.ts', from: 'const expected = state.phase === Phase.verified;', to: 'const expected = true;' },
    ],
  },
  {
    name: 'acknowledge before index', firstSeed: 1, message: /the queue does not name/,
    patches: [{
      file: 'consumer/item-work.ts',
      from: '  const judged = await Promise.all(item.fileIds',
      to: '  await options.queue.acknowledge([item]).catch(() => undefined);\n  const judged = await Promise.all(item.fileIds',
    }],
  },
  {
    name: '200 before the journal', firstSeed: 1, message: LOST,
    patches: [{
      file: 'producer/lane.ts',
      from: "    faultPoint('producer.blocks-made');\n",
      to: '    for (const { pending } of batch.entries) pending.entryStored();\n',
    }],
  },
  {
    name: 'Position without the claim', firstSeed: 487, options: CROWDED, message: /Position \d+ of/,
    patches: [{
      file: 'archive/memory-states.ts',
      from: `    await this.store.effect('states.advance', () => {
      const state = this.owned(id, claim);
      if (isPastClosed(state.phase)) return;
      this.expectClosed(state);`,
      to: `    await this.store.effect('states.advance', () => {
      const state = this.store.states.get(id);
      if (state === undefined || isPastClosed(state.phase)) return;`,
    }],
  },
  {
    name: 'Position ahead of a gap', firstSeed: 39, options: CROWDED, message: /Position \d+ of/,
    patches: [{
      file: 'consumer/position-tracker.ts',
      from: '      if (finished === 0) return;\n      this.low = this.parts[finished - 1]?.next ?? this.low;\n',
      to: '      this.low = Math.max(this.low, next);\n      if (finished === 0) return;\n',
    }],
  },
  {
    name: 'no seal', firstSeed: 105, message: LOST,
    patches: [{ file: 'archive/memory-journal.ts', from: "      documents.set(highest + 1, { type: 'seal' });\n", to: '' }],
  },
  {
    name: 'journal deleted by file', firstSeed: 12, message: LOST,
    patches: [{
      file: 'recovery/lane-releases.ts', from: '.every((id) => existing.has(id))', to: '.some((id) => existing.has(id))',
    }],
  },
  {
    name: 'no tombstones', firstSeed: 3, message: /was deleted and is there|does not settle|not indexed/,
    patches: [{
      file: 'retention/deletion-pass.ts',
      from: 'await volume.states.bury(state.id, ranges)', to: 'ranges.length < 0 ? await volume.states.bury(state.id, ranges) : state',
    }],
  },
  {
    name: 'RemLines from Solr', firstSeed: 117, options: { hostile: true }, message: LOST,
    patches: [
      {
        file: 'retention/deletion-pass.ts',
        from: "      faultPoint('deletion.lines-removed');\n",
        to: `      await this.dependencies.index.commit(collection, 'soft');
      const left = (await this.dependencies.index.sums(collection, [fileId])).get(fileId)?.count ?? 0;
      if (left === 0) await located?.volume.states.removeIfEmpty(fileId, this.dependencies.clock.now());
`,
      },
      {
        file: 'archive/memory-states.ts',
        from: '      if (!mayBeRemoved(state.phase) || rangeLines(state.tombstones) < state.lines) return false;\n', to: '',
      },
    ],
  },
  {
    name: "two closers without the state's unique id", firstSeed: 21, message: /is there \d+ times after/,
    patches: [{
      file: 'archive/memory-states.ts',
      from: `      if (existing.length > 0) return { outcome: 'conflict' as const, existing };
      for (const { description, content, state } of files) {`,
      to: `      for (const file of files) {
        const id = existing.includes(file.state.id) ? file.state.id.replace(/^../, 'ff') : file.state.id;
        const { content } = file;
        const description = { ...file.description, id };
        const state = { ...file.state, id };`,
    }],
  },
  {
    name: 'a seal removed', firstSeed: 611, message: LOST,
    patches: [{
      file: 'archive/memory-journal.ts',
      from: '      record.finished = record.sealedAt !== undefined && record.releasedThrough >= record.sealedAt - 1;\n',
      to: `      record.finished = record.sealedAt !== undefined && record.releasedThrough >= record.sealedAt - 1;
      if (record.finished) documents.clear();
`,
    }],
  },
  {
    name: "a lane's highest block deleted", firstSeed: 236, options: { requests: 9 }, message: LOST,
    patches: [{ file: 'archive/memory-journal.ts', from: 'n <= throughN && n < highest && !kept', to: 'n <= throughN && !kept' }],
  },
  {
    name: 'the stored answer of a void block', firstSeed: 86, message: LOST,
    patches: [{
      file: 'archive/memory-journal.ts',
      from: "      if (blocks.some((block) => this.documents(block.lane).has(block.n))) return { outcome: 'collision' };\n",
      to: `      if (blocks.some((block) => this.documents(block.lane).has(block.n))) {
        if (key !== undefined) this.store.keys.set(keyId(key.sourceId, key.key), key);
        return { outcome: 'collision' };
      }
`,
    }],
  },
  {
    name: 'a file continued in a second lane', firstSeed: 10, message: LOST,
    patches: [
      { file: 'producer/lane.ts', from: '    this.options.openFiles.abandon();\n', to: '' },
      {
        file: 'producer/lane-slot.ts',
        from: '    const openFiles = new OpenFiles({', to: '    const openFiles = this.openFiles ?? new OpenFiles({',
      },
    ],
  },
  {
    name: "a collection chosen by the line's date", firstSeed: 1, message: /indexed in|not indexed|does not settle/,
    patches: [
      {
        file: 'consumer/file-indexing.ts',
        from: 'this.options.indexer.write(state.collection, documents, this.errand)',
        to: `this.options.indexer.write(
      (documents[0]?.dateMs ?? 0) < 1_735_689_600_000 ? \`\${state.collection}-former\` : state.collection, documents,
      this.errand)`,
      },
      {
        file: 'index/memory-index.ts',
        from: '    if (found === undefined) throw new NotFoundError(`There is no collection "${name}".`);\n    return found;\n',
        to: `    if (found !== undefined) return found;
    const made: Collection = { current: new Map(), searchable: new Map(), durable: new Map() };
    this.collections.set(name, made);
    return made;
`,
      },
    ],
  },
];
