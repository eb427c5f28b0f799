import { expect } from 'chai';
import { FencedError, InputError, NotFoundError } from '../../../src/errors';
import { Phase, type FileState } from '../../../src/archive/states';
import { closingFile, newId, rejection } from './samples';
import { describeVolumes } from './volumes';

describeVolumes('states', (open) => {
  async function closed(lines = 10, changes: Partial<FileState> = {}): Promise<string> {
    const file = await closingFile(lines, changes);
    expect(await open().states.close([file])).to.deep.equal({ outcome: 'closed' });
    return file.state.id;
  }

  async function verified(lines = 10): Promise<string> {
    const id = await closed(lines);
    await open().states.claim(id, 1);
    await open().states.markIndexed(id, 1, 2);
    expect(await open().states.markVerified(id, 1, 0)).to.equal(true);
    return id;
  }

  async function phaseOf(id: string): Promise<string | undefined> {
    return (await open().states.get(id))?.phase;
  }

  it('gives a state back as it was closed', async () => {
    const file = await closingFile(10, { tombstones: [[1, 2], [5, 5]], tombstoneVersion: 3, setAside: 0 });
    await open().states.close([file]);
    expect(await open().states.get(file.state.id)).to.deep.equal(file.state);
    expect(await open().states.get(newId())).to.equal(undefined);
  });

  it('closes a file once: a second closer writes nothing, not even its other files (schedules 4, 21)', async () => {
    const [one, two, three] = [await closingFile(3), await closingFile(3), await closingFile(3)];
    await open().states.close([one]);
    const answer = await open().states.close([two, one, three]);
    expect(answer).to.deep.equal({ outcome: 'conflict', existing: [one.state.id] });
    expect(await open().files.describe(two.state.id)).to.equal(undefined);
    const ids = [one, two, three].map(({ state }) => state.id);
    expect([...await open().states.existing(ids)]).to.deep.equal([one.state.id]);
    expect(await open().states.close([two, three])).to.deep.equal({ outcome: 'closed' });
  });

  it('closers at once: one closes, the others are told', async () => {
    const files = await Promise.all(Array.from({ length: 5 }, () => closingFile(3)));
    const answers = await Promise.all([1, 2, 3].map(() => open().states.close(files)));
    expect(answers.filter(({ outcome }) => outcome === 'closed')).to.have.length(1);
    expect((await open().states.existing(files.map(({ state }) => state.id))).size).to.equal(5);
  });

  it('claims raise the claim; an old claim is fenced off (schedule 9)', async () => {
    const id = await closed();
    expect((await open().states.claim(id, 50))?.claim).to.equal(1);
    await open().states.advance(id, 1, 5, 60);
    expect((await open().states.claim(id, 70))?.position).to.equal(5);
    expect(await rejection(open().states.advance(id, 1, 9, 80))).to.be.instanceOf(FencedError);
    expect(await rejection(open().states.markIndexed(id, 1, 80))).to.be.instanceOf(FencedError);
    expect(await rejection(open().states.keep(id, 1, 80))).to.be.instanceOf(FencedError);
    await open().states.keep(id, 2, 90);
    expect(await open().states.get(id)).to.include({ claim: 2, takes: 1, progressMs: 90, phase: 'closed' });
    expect((await open().states.get(id))?.position).to.equal(5);
    expect(await open().states.claim(newId(), 1)).to.equal(undefined);
  });

  it('Position only rises under a claim (schedule 8)', async () => {
    const id = await closed();
    await open().states.claim(id, 1);
    await open().states.advance(id, 1, 7, 2);
    await open().states.advance(id, 1, 3, 3);
    expect(await open().states.get(id)).to.include({ position: 7, progressMs: 3 });
    expect((await open().files.describe(id))?.Position).to.equal(7);
  });

  it('goes closed → indexed → verified, and repeated steps change nothing', async () => {
    const id = await closed(10);
    await open().states.claim(id, 1);
    await open().states.markIndexed(id, 1, 2);
    await open().states.markIndexed(id, 1, 3);
    expect(await open().states.get(id)).to.include({ phase: 'indexed', position: 10 });
    expect(await rejection(open().states.keep(id, 1, 3))).to.be.instanceOf(FencedError);
    await open().states.advance(id, 1, 4, 3);
    expect((await open().states.claim(id, 9))?.claim).to.equal(1);
    expect(await open().states.markVerified(id, 2, 0)).to.equal(false);
    expect(await open().states.markVerified(id, 1, 1)).to.equal(false);
    expect(await open().states.markVerified(id, 1, 0)).to.equal(true);
    expect(await open().states.markVerified(id, 1, 0)).to.equal(false);
    expect(await phaseOf(id)).to.equal('verified');
  });

  it('a deletion between check and mark keeps a file from being verified', async () => {
    const id = await closed();
    await open().states.claim(id, 1);
    await open().states.markIndexed(id, 1, 2);
    await open().states.bury(id, [[0, 0]]);
    expect(await open().states.markVerified(id, 1, 0)).to.equal(false);
    expect(await open().states.markVerified(id, 1, 1)).to.equal(true);
  });

  it('restarts from 0 with a new claim, so that a late writer of the old one is fenced off (schedules 9, 10)', async () => {
    const id = await verified();
    expect(await open().states.restart(id, 7, 5)).to.equal(false);
    expect(await open().states.restart(id, 1, 5)).to.equal(true);
    expect(await open().states.get(id)).to.include({ phase: 'closed', claim: 2, position: 0 });
    expect(await rejection(open().states.advance(id, 1, 9, 6))).to.be.instanceOf(FencedError);
    const archived = await closed(3, { phase: Phase.archived });
    expect(await open().states.restart(archived, 0, 5)).to.equal(false);
    expect(await open().states.get(id)).to.include({ attempts: 0 });
    await open().states.claim(id, 7);
    await open().states.markIndexed(id, 3, 8);
    expect(await open().states.restart(id, 3, 9, 'differs')).to.equal(true);
    expect(await open().states.get(id)).to.include({ phase: 'closed', claim: 4, attempts: 1, reason: 'differs' });
  });

  it('counts attempts, gives up, revives', async () => {
    const id = await closed();
    await open().states.claim(id, 1);
    expect(await open().states.countAttempt(id, 1, 'no')).to.equal(1);
    expect(await open().states.countAttempt(id, 1, 'no')).to.equal(2);
    expect(await rejection(open().states.countAttempt(id, 0, 'no'))).to.be.instanceOf(FencedError);
    expect(await rejection(open().states.giveUp(id, 0, 'no'))).to.be.instanceOf(FencedError);
    await open().states.giveUp(id, 1, 'too often');
    expect(await open().states.get(id)).to.include({ phase: 'dead', reason: 'too often' });
    expect(await rejection(open().states.markIndexed(id, 1, 5))).to.be.instanceOf(FencedError);
    expect(await open().states.revive(id, 9)).to.equal(true);
    expect(await open().states.revive(id, 9)).to.equal(false);
    const state = await open().states.get(id);
    expect(state).to.include({ phase: 'closed', attempts: 0, claim: 2, position: 0 });
    expect(state).not.to.have.property('reason');
  });

  it('one of several may enqueue a file again (schedule 18)', async () => {
    const ids = [await closed(), await closed()];
    const seen = ids.map((id) => ({ id, queuedMs: 9_000 }));
    const won = await Promise.all([open().states.markQueued(seen, 10_001), open().states.markQueued(seen, 10_002)]);
    expect(won.flat().sort()).to.deep.equal([...ids].sort());
    expect(await open().states.markQueued(seen, 10_003)).to.deep.equal([]);
  });

  it('tombstones are united, at the same time too; RemLines follows (schedule 44)', async () => {
    const id = await closed(100);
    await Promise.all(Array.from({ length: 10 }, (_, i) => open().states.bury(id, [[i * 5, i * 5 + 9]])));
    const state = await open().states.bury(id, [[0, 3]]);
    expect(state.tombstones).to.deep.equal([[0, 54]]);
    expect((await open().files.describe(id))?.RemLines).to.equal(45);
    expect(await rejection(open().states.bury(id, [[99, 100]]))).to.be.instanceOf(InputError);
    expect(await rejection(open().states.bury(newId(), [[0, 0]]))).to.be.instanceOf(NotFoundError);
  });

  it('keeps every second of many lines deleted', async () => {
    const id = await closed(20_000);
    const ranges = Array.from({ length: 10_000 }, (_, i) => [2 * i, 2 * i] as const);
    await open().states.bury(id, ranges);
    expect((await open().states.get(id))?.tombstones).to.deep.equal(ranges);
  });

  it('a file goes only when tombstones cover it and nothing can bring its lines back (schedule 3)', async () => {
    const unverified = await closed(4);
    await open().states.bury(unverified, [[0, 3]]);
    expect(await open().states.removeIfEmpty(unverified, 77)).to.equal(false);
    const id = await verified(4);
    await open().states.bury(id, [[0, 2]]);
    expect(await open().states.removeIfEmpty(id, 77)).to.equal(false);
    await open().states.bury(id, [[3, 3]]);
    expect(await open().states.forget(id)).to.equal(false);
    expect(await open().states.removeIfEmpty(id, 77)).to.equal(true);
    expect(await open().states.removeIfEmpty(id, 78)).to.equal(true);
    expect(await open().states.get(id)).to.include({ phase: 'gone', progressMs: 77 });
    expect(await open().files.describe(id)).to.equal(undefined);
    expect(await open().states.restart(id, 1, 80)).to.equal(false);
    expect(await open().states.forget(id)).to.equal(true);
    expect(await open().states.get(id)).to.equal(undefined);
    expect(await open().states.removeIfEmpty(id, 79)).to.equal(false);
  });

  it('a file goes once, however many remove it at the same time', async () => {
    for (let round = 0; round < 5; round += 1) {
      const id = await verified(4);
      await open().states.bury(id, [[0, 3]]);
      const removed = await Promise.all(Array.from({ length: 8 }, () => open().states.removeIfEmpty(id, 77)));
      expect(removed).to.deep.equal(Array.from({ length: 8 }, () => true));
      expect(await open().states.get(id)).to.include({ phase: 'gone', progressMs: 77 });
      expect(await open().files.describe(id)).to.equal(undefined);
    }
  });

  it('archived and dead files can go too (schedule 48)', async () => {
    const archived = await closed(2, { phase: Phase.archived });
    await open().states.bury(archived, [[0, 1]]);
    expect(await open().states.removeIfEmpty(archived, 5)).to.equal(true);
  });

  it('lists by phase, source, times, in pages', async () => {
    const sourceId = newId();
    const ids = [await closed(3, { sourceId }), await closed(3, { sourceId, progressMs: 20, queuedMs: 5 })].sort();
    await closed(3, { sourceId, phase: Phase.archived, firstReceivedMs: 99_000 });
    const list = async (query: object): Promise<string[]> => (
      (await open().states.list({ sourceId, limit: 10, ...query })).map(({ id }) => id));
    expect(await list({ phases: [Phase.closed] })).to.deep.equal(ids);
    expect(await list({})).to.have.length(3);
    expect(await list({ limit: 1, phases: [Phase.closed] })).to.deep.equal(ids.slice(0, 1));
    expect(await list({ after: ids[0] ?? '', phases: [Phase.closed] })).to.deep.equal(ids.slice(1));
    expect(await list({ progressOutsideMs: [21, Infinity] })).to.have.length(1);
    expect(await list({ progressOutsideMs: [20, 20] })).to.have.length(2);
    expect(await list({ progressOutsideMs: [0, 19] })).to.have.length(3);
    expect(await list({ queuedOutsideMs: [5, Infinity] })).to.have.length(0);
    expect(await list({ receivedThroughMs: 98_999 })).to.have.length(2);
  });

  it('counts files that are closed but not yet indexed, up to a limit', async () => {
    const before = await open().states.countClosed(100_000);
    const id = await closed();
    await verified();
    expect(await open().states.countClosed(100_000)).to.equal(before + 1);
    await closed();
    expect(await open().states.countClosed(before + 1)).to.equal(before + 1);
    await open().states.claim(id, 1);
    await open().states.markIndexed(id, 1, 2);
    expect(await open().states.countClosed(100_000)).to.equal(before + 1);
  });

  it('keeps set-aside lines, each once, and counts them (schedule 14)', async () => {
    const id = await closed();
    const line = { fileId: id, line: 9, reason: 'bad date', atMs: 1 };
    await open().states.setAside(line);
    await open().states.setAside({ ...line, reason: 'still bad' });
    await open().states.setAside({ ...line, line: 2 });
    const first = await open().states.setAsideLines({ fileId: id, limit: 1 });
    expect(first.map((found) => found.line)).to.deep.equal([2]);
    const rest = await open().states.setAsideLines({ fileId: id, limit: 10, ...(first[0] ? { after: first[0] } : {}) });
    expect(rest).to.deep.equal([{ ...line, reason: 'still bad' }]);
    expect((await open().states.get(id))?.setAside).to.equal(2);
    await open().states.clearSetAside(id);
    expect((await open().states.get(id))?.setAside).to.equal(0);
    expect(await open().states.setAsideLines({ fileId: id, limit: 10 })).to.deep.equal([]);
  });
});
