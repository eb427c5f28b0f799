import { expect } from 'chai';
import { InputError } from '../../../src/errors';
import { previewDeletion, reopenDeletions, runDeletion } from '../../../src/retention/deletion';
import type { DeletionRequest } from '../../../src/retention/ports';
import { COLLECTION, DeletionWorld, HORIZON_MS, SETTLE_MS, type Kill } from './deletion-world';

const A = 'a'.repeat(24);
const B = 'b'.repeat(24);
const C = 'c'.repeat(24);

async function makeWorld(): Promise<DeletionWorld> {
  const world = new DeletionWorld();
  await world.index.prepare(COLLECTION);
  return world;
}

/** Two verified files, one of another source, and one that is not indexed yet. */
async function makeBusyWorld(): Promise<DeletionWorld> {
  const world = await makeWorld();
  const receivedMs = world.clock.now();
  await world.close({ id: A, lines: ['noise 0', 'signal 1', 'noise 2', 'noise 3'], receivedMs });
  await world.close({ id: B, source: 'mail', sourceId: 'id-mail', lines: ['noise 0', 'noise 1'], receivedMs });
  await world.close({ id: C, lines: ['noise 0', 'signal 1'], receivedMs });
  await world.finishIndexing(A);
  await world.finishIndexing(B);
  await world.clock.advance(1_000);
  return world;
}

describe('deletion', () => {
  it('removes matching lines from index and archive, and a file only when none is left', async () => {
    const world = await makeBusyWorld();
    const progress: number[] = [];
    const request = await world.request({ text: 'noise' });
    await world.run(request.id);
    expect(await world.ids()).to.deep.equal([`${A}!1`]);
    expect((await world.state(A)).phase).to.equal('verified');
    expect(await world.remaining(A)).to.equal(1);
    expect((await world.state(B)).phase).to.equal('gone');
    expect(await world.volume.files.describe(B)).to.equal(undefined);
    expect(await world.remaining(C)).to.equal(2);
    await world.finishIndexing(C);
    const done = await world.runUntilDone(request.id);
    expect(await world.ids()).to.deep.equal([`${A}!1`, `${C}!1`]);
    expect([done.lines, done.files]).to.deep.equal([6, 3]);
    expect(progress).to.deep.equal([]);
  });

  it('previews without changing anything', async () => {
    const world = await makeBusyWorld();
    const before = await world.ids();
    expect(await previewDeletion({ text: 'noise' }, world.dependencies)).to.deep.equal({ lines: 5, files: 2 });
    expect(await previewDeletion({ text: 'source:web' }, world.dependencies)).to.deep.equal({ lines: 6, files: 2 });
    expect(await world.ids()).to.deep.equal(before);
    expect(await world.remaining(A)).to.equal(4);
    await world.volume.states.bury(A, [[1, 2]]);
    expect(await previewDeletion({ text: 'source:web' }, world.dependencies)).to.deep.equal({ lines: 4, files: 2 });
  });

  it('refuses a query that can not be read before it stores anything', async () => {
    const world = await makeWorld();
    const error = await world.request({ text: '(a' }).then(() => undefined, (thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(InputError);
    expect(await world.volume.deletions.list({ limit: 10 })).to.deep.equal([]);
  });

  it('leaves lines alone that are received after the request', async () => {
    const world = await makeBusyWorld();
    const request = await world.request({ text: 'noise' });
    await world.clock.advance(1);
    await world.close({ id: 'd'.repeat(24), lines: ['noise later'], receivedMs: world.clock.now() });
    await world.finishIndexing('d'.repeat(24));
    await world.finishIndexing(C);
    await world.runUntilDone(request.id);
    expect(await world.ids()).to.include(`${'d'.repeat(24)}!0`);
  });

  it('cuts a file at the time of reception, exactly', async () => {
    const world = await makeWorld();
    const t = world.clock.now();
    await world.close({ id: A, lines: ['0', '1', '2', '3'], receivedMs: [t, t, t + 10, t + 5_000] });
    await world.clock.advance(20);
    const request = await world.request({ text: 'source:web' });
    await world.run(request.id);
    expect((await world.state(A)).tombstones).to.deep.equal([[0, 2]]);
  });

  it('is only done by a clean pass that began beyond the horizon', async () => {
    const world = await makeBusyWorld();
    await world.finishIndexing(C);
    const request = await world.request({ text: 'noise' });
    const started = world.clock.now();
    const done = await world.runUntilDone(request.id);
    expect(done.lastPassMs - started).to.be.at.least(HORIZON_MS + SETTLE_MS);
  });

  it('stops between files when told to, and stays pending', async () => {
    const world = await makeBusyWorld();
    const request = await world.request({ text: 'source:web' });
    const stop = new AbortController();
    stop.abort();
    const result = await runDeletion(request, world.dependencies, { signal: stop.signal });
    expect([result.state, result.lines]).to.deep.equal(['pending', 0]);
  });

  for (const when of ['before', 'after'] as const) {
    for (const text of ['noise', 'source:web', 'source:web OR noise']) {
      it(`ends the same when it is killed ${when} any of its effects: ${text}`, async () => {
        const expected = await endOf(text);
        let at = 1;
        for (; ; at += 1) {
          const end = await endOf(text, { at, when });
          if (!end.killed) break;
          expect({ ...end, killed: false }, `killed ${when} effect ${String(at)}`).to.deep.equal(expected);
        }
        expect(at).to.be.greaterThan(5);
      });
    }
  }

  async function endOf(text: string, kill?: Kill): Promise<Record<string, unknown>> {
    const world = await makeBusyWorld();
    const request = await world.request({ text });
    if (kill !== undefined) world.killAt(kill);
    await world.run(request.id).catch(() => undefined);
    const killed = world.restart();
    await world.finishIndexing(C);
    await world.runUntilDone(request.id);
    const states = await world.volume.states.list({ limit: 10 });
    return {
      killed, ids: await world.ids(),
      files: states.map(({ id, phase, tombstones }) => [id, phase, tombstones]),
    };
  }
});

describe('deletion, the schedules that lose or resurrect lines', () => {
  it('keeps unindexed lines of a partly indexed file (schedule 3: RemLines from the index)', async () => {
    const world = await makeWorld();
    const lines = ['noise', 'noise', 'signal', 'signal', 'signal'];
    await world.close({ id: A, lines, receivedMs: world.clock.now() });
    await world.index.add(COLLECTION, [await world.document(A, 0), await world.document(A, 1)]);
    const request = await world.request({ text: 'noise' });
    await world.run(request.id);
    expect(await world.ids()).to.deep.equal([]);
    expect(await world.remaining(A)).to.equal(3);
    expect(await world.volume.files.describe(A)).to.not.equal(undefined);
    await world.finishIndexing(A);
    await world.runUntilDone(request.id);
    expect(await world.ids()).to.deep.equal([`${A}!2`, `${A}!3`, `${A}!4`]);
  });

  it('does not bring deleted lines back when a file is indexed again (schedule 19)', async () => {
    const world = await makeBusyWorld();
    await world.finishIndexing(C);
    const request = await world.request({ text: 'noise' });
    await world.runUntilDone(request.id);
    const { claim } = await world.state(A);
    expect(await world.volume.states.restart(A, claim, world.clock.now())).to.equal(true);
    await world.finishIndexing(A);
    expect((await world.state(A)).phase).to.equal('verified');
    expect(await world.ids()).to.deep.equal([`${A}!1`, `${C}!1`]);
  });

  it('outlasts a batch that was on its way while it ran (schedule 20: a slow batch)', async () => {
    const world = await makeBusyWorld();
    const stale = await world.batch(C);
    await world.finishIndexing(C);
    const request = await world.request({ text: 'noise' });
    for (let elapsed = 0; elapsed < HORIZON_MS + SETTLE_MS; elapsed += 10_000) {
      expect((await world.run(request.id)).state).to.equal('pending');
      await world.clock.advance(10_000);
    }
    // The last moment at which the paused consumer's batch can still arrive, long after the file was verified.
    await world.index.add(COLLECTION, stale);
    const next = await world.run(request.id);
    expect(next.state).to.equal('pending');
    await world.runUntilDone(request.id);
    expect(await world.ids()).to.deep.equal([`${A}!1`, `${C}!1`]);
  });

  it('stays deleted when a recoverer finds its journal again (schedule 21: a file made anew)', async () => {
    const world = await makeBusyWorld();
    const { content, description } = world.volume.store.files.get(B) ?? {};
    const state = await world.state(B);
    const request = await world.request({ text: 'source:mail' });
    await world.run(request.id);
    expect((await world.state(B)).phase).to.equal('gone');
    if (content === undefined || description === undefined) throw new Error('no file');
    expect(await world.volume.states.close([{ content, description, state }]))
      .to.deep.equal({ outcome: 'conflict', existing: [B] });
    expect((await world.state(B)).phase).to.equal('gone');
  });

  it('reaches lines that are acknowledged but not yet indexed (schedule 22: no horizon)', async () => {
    const world = await makeBusyWorld();
    const request = await world.request({ text: 'noise' });
    for (let pass = 0; pass < 12; pass += 1) {
      expect((await world.run(request.id)).state).to.equal('pending');
      await world.clock.advance(10_000);
    }
    await world.finishIndexing(C);
    expect(await world.ids()).to.include(`${C}!0`);
    await world.runUntilDone(request.id);
    expect(await world.ids()).to.deep.equal([`${A}!1`, `${C}!1`]);
  });

  it('leaves a file without any line where it is: it tells of lines that could not be read', async () => {
    const world = await makeWorld();
    await world.close({ id: A, lines: ['noise'], receivedMs: world.clock.now() });
    await world.close({ id: B, lines: [], receivedMs: world.clock.now(), phase: 'verified' });
    await world.finishIndexing(A);
    await world.runUntilDone((await world.request({ text: '*' })).id);
    expect((await world.state(A)).phase).to.equal('gone');
    expect((await world.state(B)).phase).to.equal('verified');
  });

  it('adds up overlapping deletions as a union (schedule 44: RemLines by sums)', async () => {
    const world = await makeWorld();
    await world.close({ id: A, lines: ['x y', 'x y', 'x', 'z'], receivedMs: world.clock.now() });
    await world.finishIndexing(A);
    const requests = [await world.request({ text: 'x' }), await world.request({ text: 'x y' })];
    await Promise.all(requests.map((request) => world.run(request.id)));
    expect(await world.remaining(A)).to.equal(1);
    expect((await world.state(A)).phase).to.equal('verified');
    expect(await world.ids()).to.deep.equal([`${A}!3`]);
  });

  it('waits for bodies received before it that are still unwritten (schedule 45)', async () => {
    const world = await makeWorld();
    await world.volume.journal.openLane({ id: 'lane', incarnation: 'one', volume: 'memory', openedMs: 0 });
    world.liveIncarnations.add('one');
    const receivedMs = world.clock.now();
    const request = await world.request({ text: 'noise' });
    await world.run(request.id);
    await world.clock.advance(HORIZON_MS - 1_000);
    // The body is written at the last moment, and its file closed much later.
    await writeBlock(world, 0);
    await world.clock.advance(1_000);
    const waiting = await world.run(request.id);
    expect(waiting.lanes).to.deep.equal([{ lane: 'lane', throughN: 0 }]);
    await world.clock.advance(10 * SETTLE_MS);
    expect((await world.run(request.id)).settledMs).to.equal(undefined);
    await world.close({ id: A, lines: ['noise'], receivedMs });
    await world.volume.journal.release('lane', 0);
    expect((await world.run(request.id)).settledMs).to.equal(undefined);
    await world.finishIndexing(A);
    await world.runUntilDone(request.id);
    expect(await world.ids()).to.deep.equal([]);
    expect((await world.state(A)).phase).to.equal('gone');
  });

  it('waits for the seal of a lane whose producer has lost its session (schedule 45, with a paused producer)', async () => {
    const world = await makeWorld();
    await world.volume.journal.openLane({ id: 'lane', incarnation: 'gone', volume: 'memory', openedMs: 0 });
    const request = await world.request({ text: 'noise' });
    await world.clock.advance(10 * HORIZON_MS);
    expect((await world.run(request.id)).lanesMs).to.equal(undefined);
    await world.volume.journal.seal('lane');
    expect((await world.run(request.id)).lanesMs).to.be.a('number');
    await world.runUntilDone(request.id);
  });

  it('reaches dead and archived files from their metadata, and does not wait for them (schedule 48)', async () => {
    const world = await makeWorld();
    const receivedMs = world.clock.now();
    await world.close({ id: A, lines: ['1', '2'], receivedMs, phase: 'dead' });
    await world.close({ id: B, lines: ['1', '2'], receivedMs, phase: 'archived' });
    await world.close({ id: C, lines: ['1', '2'], source: 'mail', receivedMs, phase: 'archived' });
    const bySource = await world.request({ text: 'source:web' });
    await world.runUntilDone(bySource.id);
    expect((await world.state(A)).phase).to.equal('gone');
    expect((await world.state(B)).phase).to.equal('gone');
    expect((await world.state(C)).phase).to.equal('archived');
    const byWord = await world.request({ text: 'word' });
    expect((await world.runUntilDone(byWord.id)).state).to.equal('done');
  });

  it('applies a finished deletion to a dead file that is revived (schedule 48, at replay)', async () => {
    const world = await makeWorld();
    await world.close({ id: A, lines: ['noise', 'signal'], receivedMs: world.clock.now(), phase: 'dead' });
    const request = await world.request({ text: 'noise' });
    await world.runUntilDone(request.id);
    const state = await world.state(A);
    expect(await reopenDeletions(world.volume.deletions, state.firstReceivedMs)).to.equal(1);
    await world.volume.states.revive(A, world.clock.now());
    await world.finishIndexing(A);
    await world.runUntilDone(request.id);
    expect(await world.ids()).to.deep.equal([`${A}!1`]);
    expect(await reopenDeletions(world.volume.deletions, world.clock.now())).to.equal(0);
  });

  it('applies finished deletions to what comes back however many there are', async () => {
    const { volume: { deletions } } = await makeWorld();
    const many = 2_500;
    for (let n = 0; n < many; n += 1) {
      await deletions.create({
        id: n.toString().padStart(12, '0'), query: { text: 'x' }, throughMs: 1_000 + (n >> 1), requestedBy: 'me',
        state: 'done', lanes: [], lines: 0, files: 0, lastPassMs: 0, revision: 0,
      });
    }
    expect(await reopenDeletions(deletions, 1_001)).to.equal(many - 2);
    expect(await deletions.list({ state: 'done', limit: many })).to.have.length(2);
  });

  it('does not end when lines were replayed during its last pass (schedule 48, at replay)', async () => {
    const world = await makeWorld();
    await world.close({ id: A, lines: ['noise', 'signal'], receivedMs: world.clock.now(), phase: 'dead' });
    const { id } = await world.request({ text: 'noise' });
    const { deletions } = world.volume;
    // Just before the end is recorded, somebody replays the file.
    const overtaken = { ...deletions, update: async (change: DeletionRequest): Promise<boolean> => {
      if (change.state === 'done' && (await world.state(A)).phase === 'dead') {
        expect(await reopenDeletions(deletions, 0)).to.equal(0);
        await world.volume.states.revive(A, world.clock.now());
      }
      return deletions.update(change);
    } };
    for (let pass = 0; pass < 20 && (await world.state(A)).phase === 'dead'; pass += 1) {
      const request = await deletions.get(id);
      if (request === undefined) throw new Error('the request is gone');
      expect((await runDeletion(request, { ...world.dependencies, deletions: overtaken })).state).to.equal('pending');
      await world.clock.advance(10_000);
    }
    expect((await world.state(A)).phase).to.equal('closed');
    await world.finishIndexing(A);
    await world.runUntilDone(id);
    expect(await world.ids()).to.deep.equal([`${A}!1`]);
  });

  it('counts what two runners at once deleted, each its own', async () => {
    const world = await makeWorld();
    await world.close({ id: A, lines: ['noise', 'noise', 'signal'], receivedMs: world.clock.now() });
    await world.finishIndexing(A);
    const request = await world.request({ text: 'noise' });
    const one = await runDeletion(request, world.dependencies);
    const other = await runDeletion(request, world.dependencies);
    expect(one.lines).to.equal(2);
    expect(other.lines).to.equal(2);
    expect(await world.volume.deletions.get(request.id)).to.include({ lines: 2, files: 1, revision: 2 });
  });

  it('tells owners of one name apart by the source id (schedule 25)', async () => {
    const world = await makeWorld();
    const receivedMs = world.clock.now();
    await world.close({ id: A, sourceId: 'first', lines: ['1'], receivedMs });
    await world.close({ id: B, sourceId: 'second', lines: ['1'], receivedMs });
    await world.finishIndexing(A);
    await world.finishIndexing(B);
    const request = await world.request({ text: '', sourceId: 'first' });
    await world.runUntilDone(request.id);
    expect(await world.ids()).to.deep.equal([`${B}!0`]);
  });

  it('goes by the time of reception, whatever date a line claims (schedule 26)', async () => {
    const world = await makeWorld();
    const t = world.clock.now();
    await world.close({ id: A, lines: ['old', 'fresh'], receivedMs: [t, t + 60_000] });
    await world.finishIndexing(A);
    await world.clock.advance(120_000);
    const request = await world.request({ text: '', receivedThroughMs: t + 1_000 });
    await world.runUntilDone(request.id);
    expect(await world.ids()).to.deep.equal([`${A}!1`]);
  });

  it('is not done while a file is being indexed again, and is afterwards (schedule 10)', async () => {
    const world = await makeBusyWorld();
    await world.finishIndexing(C);
    const request = await world.request({ text: 'noise' });
    await world.clock.advance(HORIZON_MS);
    expect((await world.run(request.id)).settledMs).to.be.a('number');
    await world.volume.states.restart(A, (await world.state(A)).claim, world.clock.now());
    expect((await world.run(request.id)).settledMs).to.equal(undefined);
    await world.finishIndexing(A);
    await world.runUntilDone(request.id);
  });
});

async function writeBlock(world: DeletionWorld, n: number): Promise<void> {
  const { createHash } = await import('node:crypto');
  const data = Buffer.from('x');
  await world.volume.journal.insert([{
    lane: 'lane', n, segments: [], frames: [], data, sha256: createHash('sha256').update(data).digest('hex'),
  }]);
}
