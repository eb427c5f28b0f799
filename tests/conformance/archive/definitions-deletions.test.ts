import { expect } from 'chai';
import { NotFoundError } from '../../../src/errors';
import type { DeletionRequest } from '../../../src/retention/ports';
import { newId, rejection } from './samples';
import { describeVolumes } from './volumes';

describeVolumes('definitions', (open) => {
  it('gives a set back; saving it again, at once too, changes nothing', async () => {
    const set = { version: newId(), files: [{ name: 'syslog.xml', xml: '<normalizer name="sysl\u00f6g"/>' }] };
    await Promise.all([1, 2, 3].map(() => open().definitions.save(set)));
    await open().definitions.save(set);
    expect(await open().definitions.load(set.version)).to.deep.equal(set);
    expect(await rejection(open().definitions.load(newId()))).to.be.instanceOf(NotFoundError);
  });
});

describeVolumes('deletions', (open) => {
  it('makes, changes, lists by state in the order of their times', async () => {
    const request = (throughMs: number): DeletionRequest => ({
      id: newId(), query: { text: 'x', tags: [{ name: 'user', value: 'bob' }] }, throughMs, requestedBy: 'me',
      state: 'pending', lanes: [{ lane: 'l', throughN: 4 }], lines: 0, files: 0, lastPassMs: 0, revision: 0,
    });
    const [late, early] = [request(2_000), request(1_000)];
    await open().deletions.create(late);
    await open().deletions.create(early);
    expect(await open().deletions.get(late.id)).to.deep.equal(late);
    expect(await open().deletions.get(newId())).to.equal(undefined);
    const mine = async (state?: DeletionRequest['state']): Promise<string[]> => (
      (await open().deletions.list({ limit: 100, ...(state ? { state } : {}) })).map(({ id }) => id));
    expect(await mine('pending')).to.deep.equal([early.id, late.id]);
    const done: DeletionRequest = { ...early, state: 'done', lines: 7, files: 1, lastPassMs: 5_000 };
    expect(await open().deletions.update(done)).to.equal(true);
    expect(await open().deletions.get(early.id)).to.deep.equal({ ...done, revision: 1 });
    expect(await mine('pending')).to.deep.equal([late.id]);
    expect(await mine()).to.have.length(2);
  });

  it('lists in either order, page by page, those of one time too', async () => {
    const base = Date.now();
    const times = [base, base + 1, base + 1, base + 1, base + 2];
    const ids = times.map((_, n) => `${n}${newId()}`);
    for (const [n, throughMs] of times.entries()) {
      await open().deletions.create({
        id: ids[n] ?? '', query: { text: 'x' }, throughMs, requestedBy: 'me',
        state: 'pending', lanes: [], lines: 0, files: 0, lastPassMs: 0, revision: 0,
      });
    }
    const pages = async (start: { throughMs: number; id: string }, newestFirst: boolean): Promise<string[]> => {
      const found: string[] = [];
      for (let after: typeof start | undefined = start; after !== undefined;) {
        const page = await open().deletions.list({ after, newestFirst, limit: 2 });
        found.push(...page.map(({ id }) => id).filter((id) => ids.includes(id)));
        after = page.at(-1);
      }
      return found;
    };
    expect(await pages({ throughMs: base, id: '' }, false)).to.deep.equal(ids);
    expect(await pages({ throughMs: base + 1, id: ids[2] ?? '' }, false)).to.deep.equal(ids.slice(3));
    expect(await pages({ throughMs: base + 3, id: '' }, true)).to.deep.equal(ids.toReversed());
    expect(await pages({ throughMs: base + 1, id: ids[2] ?? '' }, true)).to.deep.equal([ids[1], ids[0]]);
  });

  it('changes only what was read: of several who change one request at once, one does', async () => {
    const request: DeletionRequest = {
      id: newId(), query: { text: 'x' }, throughMs: 3_000, requestedBy: 'me',
      state: 'pending', lanes: [], lines: 0, files: 0, lastPassMs: 0, revision: 0,
    };
    expect(await open().deletions.update(request)).to.equal(false);
    await open().deletions.create(request);
    const changes = [1, 2, 3].map((lines) => ({ ...request, lines }));
    const made = await Promise.all(changes.map((change) => open().deletions.update(change)));
    expect(made.filter(Boolean)).to.have.length(1);
    expect(await open().deletions.get(request.id)).to.deep.equal({ ...changes[made.indexOf(true)], revision: 1 });
    expect(await open().deletions.update({ ...request, state: 'done' })).to.equal(false);
  });
});
