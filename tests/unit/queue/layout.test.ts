import { expect } from 'chai';
import { CorruptionError, InvariantError } from '../../../src/errors';
import { bucketName, bucketOf, compareSequence, decodeItem, encodeItem, sequenceOf } from '../../../src/queue/layout';
import { shareOf } from '../../../src/queue/sharing';

describe('queue layout', () => {
  it('reads sequence numbers, also behind the wrap', () => {
    expect(sequenceOf('item-0000000012')).to.equal(12);
    expect(sequenceOf('item-2147483647')).to.equal(2_147_483_647);
    expect(sequenceOf('item--2147483648')).to.equal(-2_147_483_648);
    expect(sequenceOf('owner-00ff-0000000003')).to.equal(3);
    expect(sequenceOf('items')).to.equal(undefined);
    const names = ['item--2147483647', 'item-2147483646', 'item--2147483648', 'item-2147483647'];
    expect(names.sort(compareSequence)).to.deep.equal([
      'item-2147483646', 'item-2147483647', 'item--2147483648', 'item--2147483647',
    ]);
  });

  it('names buckets and spreads ids over them', () => {
    expect([bucketName(3), bucketName(63), bucketName(100)]).to.deep.equal(['03', '63', '100']);
    const counts = new Array<number>(64).fill(0);
    for (let i = 0; i < 64_000; i += 1) {
      const bucket = bucketOf(i.toString(16).padStart(24, '0'), 64);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    expect(Math.min(...counts)).to.be.greaterThan(850);
    expect(Math.max(...counts)).to.be.lessThan(1_150);
    // Stored in the tree by all producers: it may never change.
    expect(bucketOf('0123456789abcdef01234567', 64)).to.equal(40);
  });

  it('reads back what it writes and refuses all else', () => {
    const ids = ['a'.repeat(24), 'b'.repeat(24)];
    expect(decodeItem(encodeItem(ids))).to.deep.equal(ids);
    for (const bad of ['', '{', 'null', '[]', '{"format":1}', '{"format":1,"files":[]}', '{"format":2,"files":["a"]}',
      '{"format":1,"files":["x"]}', `{"format":2,"files":["${'a'.repeat(24)}"]}`]) {
      expect(() => decodeItem(Buffer.from(bad)), bad).to.throw(CorruptionError);
    }
    expect(() => encodeItem([])).to.throw(InvariantError);
  });

  it('gives all buckets out, in shares that differ by one at most', () => {
    for (const count of [1, 2, 3, 5, 20, 64, 70]) {
      const names = Array.from({ length: count }, (_, i) => `consumer-${(i * 7919) % 101}-${i}`);
      const shares = names.map((name) => shareOf(names, name, 64));
      expect(shares.reduce((sum, share) => sum + share, 0)).to.equal(64);
      expect(Math.max(...shares) - Math.min(...shares)).to.be.at.most(1);
    }
    expect(shareOf(['a'], 'b', 64)).to.equal(0);
    expect(shareOf([], 'b', 64)).to.equal(0);
  });
});
