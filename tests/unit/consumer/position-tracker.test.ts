import { expect } from 'chai';
import { PositionTracker } from '../../../src/consumer/position-tracker';

describe('PositionTracker', () => {
  it('stays before the first part that is not done, whatever is done behind it', () => {
    const tracker = new PositionTracker(10);
    const done = [[10, 20], [20, 25], [25, 40]].map(([first = 0, next = 0]) => tracker.begin(first, next));
    done[2]?.();
    expect(tracker.position).to.equal(10);
    done[0]?.();
    expect(tracker.position).to.equal(20);
    done[1]?.();
    expect(tracker.position).to.equal(40);
  });

  it('is exact for parts that are done in any order', () => {
    const orders = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]];
    for (const order of orders) {
      const tracker = new PositionTracker(0);
      const done = [0, 1, 2, 3].map((part) => tracker.begin(part, part + 1));
      const finished = new Set<number>();
      for (const part of order) {
        done[part]?.();
        finished.add(part);
        const first = [0, 1, 2, 3].find((candidate) => !finished.has(candidate)) ?? 4;
        expect(tracker.position).to.equal(first);
      }
    }
  });

  it('refuses a part that does not follow the one before', () => {
    const tracker = new PositionTracker(5);
    expect(() => tracker.begin(6, 7)).to.throw(/does not follow 5/);
    expect(() => tracker.begin(5, 5)).to.throw(/does not follow/);
  });
});
