import { expect } from 'chai';
import { Budget } from '../../../src/consumer/budget';
import { Batcher } from '../../../src/consumer/batcher';
import { PositionTracker } from '../../../src/consumer/position-tracker';
import { textOf } from '../../../src/consumer/shaper';
import { InvariantError } from '../../../src/errors';
import type { IndexDocument } from '../../../src/index/ports';

describe('textOf', () => {
  const text = (bytes: Buffer | string, max = 100) => textOf(Buffer.from(bytes as string), max);

  it('drops the LF and one CR before it', () => {
    expect(text('a\n')).to.deep.equal({ text: 'a', truncated: false });
    expect(text('a\r\n').text).to.equal('a');
    expect(text('a\r\r\n').text).to.equal('a\r');
    expect(text('\ra').text).to.equal('\ra');
  });

  it('keeps NUL and replaces what is no UTF-8', () => {
    expect(text('a\0b\n').text).to.equal('a\0b');
    expect(text(Buffer.from([0x61, 0xff, 0xe4, 0x62, 0x0a])).text).to.equal('a\ufffd\ufffdb');
  });

  it('cuts on a character boundary and says so', () => {
    expect(text('abcdef\n', 4)).to.deep.equal({ text: 'abcd', truncated: true });
    expect(text('abcd\r\n', 4)).to.deep.equal({ text: 'abcd', truncated: false });
    expect(text('aé€😀x\n', 2)).to.deep.equal({ text: 'a', truncated: true });
    for (let max = 1; max <= 12; max += 1) {
      const cut = text('aé€😀xyz\n', max);
      expect(Buffer.byteLength(cut.text)).to.be.at.most(max);
      expect('aé€😀xyz'.startsWith(cut.text)).to.equal(true);
      expect(cut.text).not.to.include('\ufffd');
    }
  });

  it('bounds the text where replacement makes it longer than its bytes', () => {
    const cut = text(Buffer.alloc(50, 0xff), 60);
    expect(cut.truncated).to.equal(true);
    expect(Buffer.byteLength(cut.text)).to.equal(60);
    expect(Buffer.byteLength(text(Buffer.alloc(500, 0xff), 61).text)).to.equal(60);
    expect(Buffer.byteLength(text(Buffer.alloc(500, 0x80), 64).text)).to.be.at.most(64);
  });
});

describe('PositionTracker', () => {
  it('follows the lowest part that is not done', () => {
    const tracker = new PositionTracker(10);
    const [a, b, c] = [tracker.begin(10, 20), tracker.begin(20, 25), tracker.begin(25, 40)];
    b();
    c();
    expect(tracker.position).to.equal(10);
    a();
    expect(tracker.position).to.equal(40);
    const d = tracker.begin(40, 41);
    expect(tracker.position).to.equal(40);
    d();
    expect(tracker.position).to.equal(41);
  });

  it('refuses a part that does not follow', () => {
    const tracker = new PositionTracker(0);
    tracker.begin(0, 5);
    expect(() => tracker.begin(6, 7)).to.throw(InvariantError);
    expect(() => tracker.begin(5, 5)).to.throw(InvariantError);
  });

  it('equals the plain rule for every order of three parts', () => {
    for (const order of [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]) {
      const tracker = new PositionTracker(0);
      const done = [tracker.begin(0, 1), tracker.begin(1, 2), tracker.begin(2, 3)];
      const finished = new Set<number>();
      for (const part of order) {
        done[part]?.();
        finished.add(part);
        const low = [0, 1, 2].find((line) => !finished.has(line)) ?? 3;
        expect(tracker.position).to.equal(low);
      }
    }
  });
});

describe('Budget', () => {
  const never = new AbortController().signal;

  it('serves in order, and a demand above the whole when all is free', async () => {
    const budget = new Budget(10);
    const served: string[] = [];
    await budget.acquire(8, never);
    const large = budget.acquire(50, never).then(() => served.push('large'));
    const small = budget.acquire(1, never).then(() => served.push('small'));
    await Promise.resolve();
    expect(served).to.deep.equal([]);
    budget.release(8);
    await large;
    expect(served).to.deep.equal(['large']);
    budget.release(50);
    await small;
    expect(budget.inUse).to.equal(1);
  });

  it('forgets who gave up waiting, and serves the next', async () => {
    const budget = new Budget(10);
    await budget.acquire(5, never);
    const stop = new AbortController();
    const large = budget.acquire(8, stop.signal);
    const small = budget.acquire(3, never);
    stop.abort();
    expect(await large).to.equal(false);
    expect(await small).to.equal(true);
    expect(await budget.acquire(1, stop.signal)).to.equal(false);
    expect(budget.inUse).to.equal(8);
  });
});

describe('Batcher', () => {
  const bounds = { maxDocuments: 4, maxBytes: 1_000, lingerMs: 10 };
  const entry = (collection: string, count: number, since: number, bytes = 10) => ({
    collection, since, bytes, ticket: `${collection}${count}`, documents: Array.from({ length: count }, () => ({}) as IndexDocument),
  });
  const tickets = (batch: readonly { ticket: string }[] | undefined) => batch?.map(({ ticket }) => ticket);

  it('joins slices of one collection until the batch is full', () => {
    const batcher = new Batcher<string>();
    batcher.add(entry('a', 1, 0));
    batcher.add(entry('a', 2, 0));
    batcher.add(entry('b', 1, 5));
    expect(batcher.next(1, bounds)).to.equal(undefined);
    batcher.add(entry('a', 2, 1));
    expect(tickets(batcher.next(1, bounds))).to.deep.equal(['a1', 'a2']);
    expect(batcher.next(1, bounds)).to.equal(undefined);
    expect(batcher.due(bounds)).to.equal(11);
    expect(tickets(batcher.next(11, bounds))).to.deep.equal(['a2']);
    expect(tickets(batcher.next(15, bounds))).to.deep.equal(['b1']);
    expect(batcher.due(bounds)).to.equal(undefined);
  });

  it('bounds a batch by bytes, and sends what is too large alone', () => {
    const batcher = new Batcher<string>();
    batcher.add(entry('a', 1, 0, 700));
    batcher.add(entry('a', 2, 0, 700));
    batcher.add(entry('a', 3, 0, 5_000));
    expect(tickets(batcher.next(0, bounds))).to.deep.equal(['a1']);
    expect(tickets(batcher.next(0, bounds))).to.deep.equal(['a2']);
    expect(tickets(batcher.next(0, bounds))).to.deep.equal(['a3']);
  });
});
