import type { Patch } from '../simulation/compiled';

/** What the program does against one of the schedules of docs/reliability.md, taken out again. */
export interface Mend {
  /** Its number there. */
  readonly schedule: number;
  /** What is taken out. */
  readonly mend: string;
  readonly patches: readonly Patch[];
  /** Whose test has to fail then. */
  readonly file: string;
  /** The name of that test, or the part of it that names it. */
  readonly test: string;
}

/**
 * Schedules whose mend is taken out by one of the planted defects, which the simulation has to notice. That says
 * nothing of the test that docs/reliability.md names for them, nor, where the mend is the archive's, of its adapter to
 * MongoDB.
 */
export const plantedDefects: ReadonlyMap<number, string> = new Map([
  [1, 'no seal'], [3, 'RemLines from Solr'], [4, "two closers without the state's unique id"],
  [9, 'Position without the claim'], [17, "a collection chosen by the line's date"], [19, 'no tombstones'],
  [38, "a lane's highest block deleted"], [39, 'a seal removed'],
  [40, 'the stored answer of a void block'], [42, 'a file continued in a second lane'],
]);

/** Schedules whose mend is that something was never made: there is nothing to take out. */
export const leftUnmade: ReadonlyMap<number, string> = new Map([
  [23, 'blocks have no line numbers: they are counted when a file is closed'],
  [32, 'the queue has no bound: intake has one'],
]);

export const mends: readonly Mend[] = [
  {
    schedule: 2, mend: 'reads come causally behind what was written', file: 'tests/integration/archive/majority.test.ts',
    test: 'asks for everything written before, in another session, too',
    patches: [{
      file: 'archive/mongodb-connection.ts',
      from: '    if (this.latest !== undefined) session.advanceOperationTime(this.latest);\n', to: '',
    }],
  },
  {
    schedule: 5, mend: "a file's chunks are part of its closing transaction", file: 'tests/integration/archive/majority.test.ts',
    test: 'a closing that fails leaves no chunk',
    patches: [{
      file: 'archive/mongodb-states.ts',
      from: '        const states = files.map(({ state }) => toStateDocument(state));\n',
      to: '        const states = files.map(({ state }) => toStateDocument(state));\n'
        + '        await this.collections.chunks.insertMany(files.flatMap(({ state, content }) => toChunkDocuments(state.id, content)));\n',
    }],
  },
  {
    schedule: 6, mend: 'a write without a verdict ends its lane', file: 'tests/unit/producer/lanes-schedules.test.ts',
    test: 'a file that ends while a write has no verdict is not closed without it',
    patches: [{ file: 'producer/lane.ts', from: "    this.break('unknown');\n", to: '    this.dropBlocks(batch.fileIds);\n' }],
  },
  {
    schedule: 7, mend: 'an acknowledgement of the primary alone is none', file: 'tests/unit/archive/mongodb-errors.test.ts',
    test: 'not on a majority in time',
    patches: [{ file: 'archive/mongodb-errors.ts', from: "  [hasWriteConcernError, () => 'unknown'],\n", to: "  [hasWriteConcernError, () => 'duplicate'],\n" }],
  },
  {
    schedule: 8, mend: 'Position waits for the parts before', file: 'tests/unit/consumer/file-work.test.ts',
    test: 'never lets Position pass a batch that is not accepted',
    patches: [{
      file: 'consumer/position-tracker.ts',
      from: '      while (this.parts[finished]?.done) finished += 1;\n      if (finished === 0) return;\n',
      to: '      finished = this.parts.indexOf(part) + 1;\n',
    }],
  },
  {
    schedule: 10, mend: 'sums beside the count', file: 'tests/unit/recovery/verifier.test.ts',
    test: 'tells one missing and one resurrected line from a healthy file',
    patches: [{
      file: 'recovery/expected-sums.ts',
      from: 'one.count === other.count && one.lineSum === other.lineSum && one.lineSquareSum === other.lineSquareSum',
      to: 'one.count === other.count',
    }],
  },
  {
    schedule: 11, mend: 'files are compared with the index', file: 'tests/unit/recovery/verifier.test.ts',
    test: 'finds what nobody else remembers',
    patches: [{ file: 'recovery/verifier.ts', from: 'if (sumsAgree(found, expected)) {', to: 'if (sumsAgree(found, found)) {' }],
  },
  {
    schedule: 12, mend: 'a file without a state stays in the queue', file: 'tests/unit/consumer/file-work.test.ts',
    test: 'leaves a file without a state in the queue',
    patches: [{
      file: 'consumer/file-work.ts', from: "isForgotten(id, options) ? FORGOTTEN : { kind: 'left', reason: 'missing' }", to: 'FORGOTTEN',
    }],
  },
  {
    schedule: 13, mend: "a former session's node is made anew", file: 'tests/conformance/registry/coordination.test.ts',
    test: 'take the place of a former session, never adopting a node that will expire',
    patches: [{
      file: 'registry/held-nodes.ts', from: '      if (stat?.ephemeralOwner === link.sessionId) {\n        // Ours already',
      to: '      if (stat !== undefined) {\n        // Ours already',
    }],
  },
  {
    schedule: 14, mend: 'a refused line is noted before Position passes it', file: 'tests/unit/consumer/file-work.test.ts',
    test: 'keeps Position before a refused line as long as that is not noted',
    patches: [{
      file: 'consumer/file-indexing.ts', from: '    await this.setAside(refusals);\n',
      to: '    void this.setAside(refusals).catch(() => undefined);\n',
    }],
  },
  {
    schedule: 15, mend: 'a key is part of the transaction of its blocks', file: 'tests/conformance/archive/journal.test.ts',
    test: 'stores a key with its blocks or neither',
    patches: [{
      file: 'archive/mongodb-journal.ts', from: 'this.collections.keys.insertOne(document, { session }))',
      to: 'this.collections.keys.insertOne(document))',
    }],
  },
  {
    schedule: 16, mend: 'a source has its volume by name, for everybody', file: 'tests/unit/producer/lanes-schedules.test.ts',
    test: 'a source and its keys have one home volume for every producer',
    patches: [{
      file: 'producer/lanes.ts', from: 'hash(sourceId, share.volume.name)', to: 'hash(sourceId, String(this.shares.indexOf(share)))',
    }],
  },
  {
    schedule: 18, mend: 'all items of a file are in one bucket', file: 'tests/unit/consumer/consumer.test.ts',
    test: 'index a file once that is in the queue many times',
    patches: [{
      file: 'queue/layout.ts', from: "createHash('sha256').update(fileId).digest()",
      to: "createHash('sha256').update(fileId + String(Math.random())).digest()",
    }],
  },
  {
    schedule: 20, mend: 'a deletion waits for batches on their way', file: 'tests/unit/retention/deletion.test.ts',
    test: 'outlasts a batch that was on its way while it ran',
    patches: [{ file: 'retention/deletion-horizon.ts', from: ' && nowMs >= request.settledMs + settleMs;', to: ' && nowMs + settleMs >= 0;' }],
  },
  {
    schedule: 21, mend: 'the state of a file that is gone outlives it', file: 'tests/unit/recovery/closer.test.ts',
    test: 'does not close again what was removed meanwhile',
    patches: [
      {
        file: 'archive/memory-states.ts',
        from: 'files.map((file) => file.state.id).filter((id) => this.store.states.has(id));',
        to: 'files.map((file) => file.state.id).filter((id) => (this.store.states.get(id)?.phase ?? Phase.gone) !== Phase.gone);',
      },
      {
        file: 'archive/memory-states.ts',
        from: 'return new Set(ids.filter((id) => this.store.states.has(id)));',
        to: 'return new Set(ids.filter((id) => (this.store.states.get(id)?.phase ?? Phase.gone) !== Phase.gone));',
      },
    ],
  },
  {
    schedule: 22, mend: 'a deletion waits until all is indexed', file: 'tests/unit/retention/deletion.test.ts',
    test: 'reaches lines that are acknowledged but not yet indexed',
    patches: [{
      file: 'retention/deletion-horizon.ts',
      from: '    await areDrained(withLanes, dependencies) && await areFilesSettled(withLanes, dependencies);',
      to: '    (await areDrained(withLanes, dependencies) || await areFilesSettled(withLanes, dependencies) || true);',
    }],
  },
  {
    schedule: 24, mend: 'a last line without LF gets one', file: 'tests/unit/lines.test.ts',
    test: 'two requests without a last LF stay two lines when joined',
    patches: [{ file: 'lines.ts', from: '  if (!ended) copied = copy.writeUInt8(LF, copied);\n', to: '' }],
  },
  {
    schedule: 25, mend: 'sources have an id', file: 'tests/conformance/registry/recipes.test.ts',
    test: 'inherit nothing from a former one of the same name',
    patches: [{ file: 'registry/source-registry.ts', from: '      id: randomHex(this.options.random, 12),\n', to: '      id: name,\n' }],
  },
  {
    schedule: 26, mend: 'age goes by the time of reception', file: 'tests/unit/retention/deletion.test.ts',
    test: 'goes by the time of reception, whatever date a line claims',
    patches: [
      {
        file: 'retention/deletion-scope.ts', from: '  if (query.fromMs !== undefined ||',
        to: '  if (query.receivedThroughMs !== undefined || query.fromMs !== undefined ||',
      },
      { file: 'index/memory-query.ts', from: 'document.receivedMs <= query.receivedThroughMs', to: 'document.dateMs <= query.receivedThroughMs' },
    ],
  },
  {
    schedule: 27, mend: 'what was made without an answer is found by its guid', file: 'tests/unit/queue/queue-faults.test.ts',
    test: 'adopts the owner node of a create without an answer',
    patches: [
      {
        file: 'queue/bucket-owner.ts',
        from: '      await this.coordination.create(path, Buffer.alloc(0), NodeKind.ephemeralSequential);\n',
        to: '      this.made = (await this.coordination.create(path, Buffer.alloc(0), NodeKind.ephemeralSequential)).split("/").at(-1);\n',
      },
      { file: 'queue/bucket-owner.ts', from: '  private wanted = false;\n', to: '  private wanted = false;\n  private made: string | undefined;\n' },
      { file: 'queue/bucket-owner.ts', from: 'return name.startsWith(`owner-${this.identity.id}`);', to: 'return name === this.made;' },
    ],
  },
  {
    schedule: 28, mend: 'who makes no progress gives its buckets up', file: 'tests/conformance/queue/queue.test.ts',
    test: 'takes the buckets from a worker without progress',
    patches: [{ file: 'queue/queue-consumer.ts', from: '    void this.release(this.options.noProgressMs());\n', to: '' }],
  },
  {
    schedule: 29, mend: 'attempts count while everything else is healthy', file: 'tests/unit/consumer/file-work.test.ts',
    test: 'is not blamed while archive or index are ill',
    patches: [{
      file: 'consumer/file-work.ts', from: ' || claimed === undefined || !await options.healthy()) {',
      to: ' || claimed === undefined) {',
    }],
  },
  {
    schedule: 30, mend: 'what can not be stored is looked for', file: 'tests/unit/producer/lanes.test.ts',
    test: 'takes out the one request that can not be stored; its neighbours are stored',
    patches: [{ file: 'producer/lane.ts', from: '    if (entries.length <= 1) {\n', to: '    if (entries.length > 0) {\n' }],
  },
  {
    schedule: 31, mend: 'the youngest gives its memory back', file: 'tests/unit/producer/body-budget.test.ts',
    test: 'lets the oldest on: eight half-read bodies do not block one another',
    patches: [{
      file: 'producer/body-budget.ts',
      from: '    if (holding.length > 0 && holding.every(({ waiter }) => waiter !== undefined)) holding.at(-1)?.waiter?.refuse();\n',
      to: '',
    }],
  },
  {
    schedule: 33, mend: 'no lines are taken near the end of the disk', file: 'tests/unit/producer/back-pressure.test.ts',
    test: 'refuses lines before the disk is full',
    patches: [{
      file: 'producer/back-pressure.ts', from: 'if (usedFraction >= limits.refuseFraction) {', to: 'if (usedFraction >= 1) {',
    }],
  },
  {
    schedule: 34, mend: 'an operation has an end whatever the driver does', file: 'tests/integration/archive/mongod-faults.test.ts',
    test: 'SIGSTOP: an insert ends within 6 s without an acknowledgement',
    patches: [
      { file: 'archive/mongodb-connection.ts', from: '() => { reject(late()); }', to: '() => { late(); }' },
      {
        file: 'archive/mongodb-connection.ts',
        from: '      connectTimeoutMS: selectionMs,\n      waitQueueTimeoutMS: selectionMs,\n      socketTimeoutMS: socketMs,\n      heartbeatFrequencyMS: 2_000,\n',
        to: '',
      },
    ],
  },
  {
    schedule: 35, mend: 'keys that are not loaded yet are not unknown', file: 'tests/unit/registry/key-directory.test.ts',
    test: 'says unavailable, never unknown, until all keys are loaded',
    patches: [{
      file: 'registry/key-directory.ts', from: '    if (!this.isReliable()) return unavailable(5);\n    const source',
      to: "    if (!this.loaded) return { verdict: 'unknown' };\n    const source",
    }],
  },
  {
    schedule: 36, mend: 'a cluster is made in one step', file: 'tests/conformance/registry/recipes.test.ts',
    test: 'makes a cluster once, however many try at the same time',
    patches: [{
      file: 'registry/bootstrap.ts', from: '      await coordination.multi(treeOf(options, identity, rootExists));\n',
      to: '      for (const { path, data } of treeOf(options, identity, rootExists) as { path: string; data: Buffer }[]) {\n'
        + '        await coordination.create(path, data).catch(() => undefined);\n      }\n',
    }],
  },
  {
    schedule: 37, mend: 'the age of files goes by the monotonic clock', file: 'tests/unit/producer/lanes-schedules.test.ts',
    test: 'a changed age counts from when a file began, whatever the clock did since',
    patches: [
      { file: 'producer/open-files.ts', from: 'this.startedMs = this.options.clock.monotonic();', to: 'this.startedMs = this.options.clock.now();' },
      { file: 'producer/open-files.ts', from: 'maxAgeMs - clock.monotonic();', to: 'maxAgeMs - clock.now();' },
    ],
  },
  {
    schedule: 41, mend: 'a repeated key writes no block', file: 'tests/conformance/archive/journal.test.ts',
    test: 'a repeated key leaves its number free: no hole in the lane',
    patches: [{
      file: 'archive/mongodb-journal.ts', from: '        if (key !== undefined) await this.insertKey(session, step, key, stage);\n',
      to: '        await this.collections.journal.insertMany([...documents]);\n'
        + '        if (key !== undefined) await this.insertKey(session, step, key, stage);\n        return;\n',
    }],
  },
  {
    schedule: 43, mend: 'files wait for their blocks', file: 'tests/unit/producer/lanes-schedules.test.ts',
    test: 'a file that is old waits for the blocks of a request that are on their way',
    patches: [{ file: 'producer/open-files.ts', from: '      if (group.files.some((file) => file.outstanding > 0)) continue;\n', to: '' }],
  },
  {
    schedule: 44, mend: 'tombstones are a union', file: 'tests/conformance/archive/states.test.ts',
    test: 'tombstones are united, at the same time too; RemLines follows',
    patches: [{
      file: 'archive/line-ranges.ts', from: 'if (previous !== undefined && first <= previous[1] + 1) previous[1]',
      to: 'if (previous !== undefined && first === previous[1] + 1) previous[1]',
    }],
  },
  {
    schedule: 45, mend: 'a deletion waits for bodies on their way', file: 'tests/unit/retention/deletion.test.ts',
    test: 'waits for bodies received before it that are still unwritten',
    patches: [{
      file: 'retention/deletion-horizon.ts', from: 'request.lanesMs !== undefined || nowMs < request.throughMs + dependencies.horizonMs)',
      to: 'request.lanesMs !== undefined)',
    }],
  },
  {
    schedule: 46, mend: "a deadline of ours, and not the driver's time-out", file: 'tests/integration/archive/mongod-faults.test.ts',
    test: 'SIGSTOP: an insert ends within 6 s without an acknowledgement',
    patches: [
      { file: 'archive/mongodb-connection.ts', from: '() => { reject(late()); }', to: '() => { late(); }' },
      {
        file: 'archive/mongodb-connection.ts',
        from: '      connectTimeoutMS: selectionMs,\n      waitQueueTimeoutMS: selectionMs,\n      socketTimeoutMS: socketMs,\n      heartbeatFrequencyMS: 2_000,\n',
        to: '      timeoutMS: socketMs,\n',
      },
    ],
  },
  {
    schedule: 47, mend: 'transactions live 5 s at most', file: 'tests/integration/archive/mongod-faults.test.ts',
    test: 'locks of a client that was killed inside a transaction are free after 7 s',
    patches: [{
      file: '../templates/run-mongodb.in', from: '  --setParameter transactionLifetimeLimitSeconds=5 \\\n', to: '',
    }],
  },
  {
    schedule: 48, mend: 'a corrupt block is set aside', file: 'tests/unit/recovery/closer.test.ts',
    test: 'sets a corrupt block aside, closes its files with a recorded gap and lets the lane go on',
    patches: [{
      file: 'recovery/closing-pass.ts', from: "    await journal.setAsideBlock(block.lane, block.n, 'its data does not match its hash or its format');\n",
      to: '',
    }],
  },
  {
    schedule: 49, mend: 'followers recover from the leader', file: 'tests/integration/index/solr-index.test.ts',
    test: 'tells a follower that differs from its leader to recover',
    patches: [{
      file: 'index/solr-sums.ts', from: '      if (areEqual(truth, await replicaSums(client, follower, fileIds), fileIds)) continue;\n',
      to: '      continue;\n',
    }],
  },
  {
    schedule: 50, mend: 'one closing transaction at a time', file: 'tests/unit/recovery/closer.test.ts',
    test: 'has one closing transaction in flight, whoever asks',
    patches: [{ file: 'recovery/closer.ts', from: 'mutex: this.mutex, clock', to: 'mutex: new Mutex(), clock' }],
  },
];
