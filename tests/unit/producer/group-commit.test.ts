import { expect } from 'chai';
import { PendingRequest, WaitingEntries } from '../../../src/producer/group-commit';
import { limits } from '../../../src/limits';
import { requestOf } from './harness';

describe('waiting entries', () => {
  const pending = (source: string, lines: readonly string[], more = {}) =>
    new PendingRequest(requestOf(source, lines, more), 0, () => undefined, () => undefined);

  it('merges in order up to a block, a keyed request alone', () => {
    const waiting = new WaitingEntries();
    const big = { runs: [{ lines: 1, raw: Buffer.alloc(limits.blockRawBytes - 10) }] };
    const keyed = { key: { key: 'k', bodySha256: 'x' } };
    for (const one of [pending('a', ['1']), pending('b', ['2']), pending('c', [], big), pending('d', ['3'], keyed), pending('e', ['4'])]) {
      waiting.add(one);
    }
    const batches: string[][] = [];
    for (let taken = waiting.take(); taken.length > 0; taken = waiting.take()) {
      batches.push(taken.map((entry) => entry.pending.request.source.name));
    }
    expect(batches).to.deep.equal([['a', 'b', 'c'], ['d'], ['e']]);
    expect([waiting.length, waiting.rawBytes]).to.deep.equal([0, 0]);
  });

  it('forgets what was taken: its lines would stay in memory', () => {
    const waiting = new WaitingEntries();
    for (let round = 0; round < 5; round += 1) {
      waiting.add(pending('a', ['x']));
      waiting.take();
    }
    const kept = (waiting as unknown as { entries: readonly unknown[] }).entries.filter((entry) => entry !== undefined);
    expect(kept).to.deep.equal([]);
  });

  it('drops entries of requests that failed', () => {
    const waiting = new WaitingEntries();
    const failed = pending('a', ['1']);
    waiting.add(failed);
    waiting.add(pending('b', ['2']));
    failed.fail(new Error('x'));
    expect(waiting.take().map((entry) => entry.pending.request.source.name)).to.deep.equal(['b']);
  });
});
