import { expect } from 'chai';
import { membersOf, nextEnsembleStep, serverOf, type EnsembleFacts } from '../../../../src/process/members/zookeeper-steps';
import type { WantedZooKeeper } from '../../../../src/process/members/plan';

const wanted = (id: number, more: Partial<WantedZooKeeper> = {}): WantedZooKeeper =>
  ({ name: `zookeeper-${id}`, id, host: '::1', port: id, peerPort: id + 10, electionPort: id + 20, incarnation: 'a', ...more });
const facts = (
  ids: readonly number[], serving: readonly number[], incarnations: Record<string, string> = {},
): EnsembleFacts => ({
  ensemble: { version: '100000000', servers: ids.map((id) => serverOf(wanted(id))) }, serving: new Set(serving), incarnations,
});

describe('nextEnsembleStep', () => {
  it('has nothing to do when everybody is there', () => {
    expect(nextEnsembleStep([wanted(1)], facts([1], [1]))).to.equal(undefined);
  });

  it('adds those who are wanted together, once each of them follows', () => {
    const three = [wanted(1), wanted(2), wanted(3)];
    expect(nextEnsembleStep(three, facts([1], [1, 2]))).to.deep.equal({ kind: 'wait', what: 'zookeeper-3 does not serve yet' });
    const step = nextEnsembleStep(three, facts([1], [1, 2, 3]));
    expect(step?.kind === 'change' && step.joining.map(({ id }) => id)).to.deep.equal([2, 3]);
    expect(step).to.deep.include({ leaving: [], what: 'adds zookeeper-2, zookeeper-3' });
  });

  it('takes out who is not wanted, once all who are wanted serve', () => {
    expect(nextEnsembleStep([wanted(1)], facts([1, 2, 3], []))).to.deep.include({ kind: 'wait' });
    expect(nextEnsembleStep([wanted(1)], facts([1, 2, 3], [1]))).to.deep.include({ kind: 'change', joining: [], leaving: [2, 3] });
  });

  it('takes out whose data are gone before an empty one joins with its number', () => {
    const three = [wanted(1), wanted(2, { incarnation: 'b', port: 9 }), wanted(3)];
    const noted = { 'zookeeper-1': 'a', 'zookeeper-2': 'a', 'zookeeper-3': 'a' };
    expect(nextEnsembleStep(three, facts([1, 2, 3], [1, 2, 3], noted))).to.deep.include({ joining: [], leaving: [2] });
    const step = nextEnsembleStep(three, facts([1, 3], [1, 2, 3], { 'zookeeper-1': 'a', 'zookeeper-3': 'a' }));
    expect(step?.kind === 'change' && step.joining).to.deep.equal([serverOf(three[1] ?? wanted(2))]);
  });

  it('does not take the only member for one that could be replaced', () => {
    const step = nextEnsembleStep([wanted(1, { incarnation: 'b' })], facts([1], [1], { 'zookeeper-1': 'a' }));
    expect(step).to.deep.include({ kind: 'wait' });
    expect(step?.what).to.include('restore a backup');
  });

  it('keeps who has no address at present', () => {
    const nowhere = { name: 'zookeeper-2', id: 2, port: 2, peerPort: 12, electionPort: 22 };
    expect(nextEnsembleStep([wanted(1), nowhere, wanted(3)], facts([1, 2, 3], [1, 3]))).to.equal(undefined);
  });
});

describe('membersOf', () => {
  it('keeps what is noted of a member, and takes the wanted one for who is not', () => {
    const found = membersOf([wanted(1, { incarnation: 'b' }), wanted(2)], facts([1, 2, 3], [], { 'zookeeper-1': 'a' }));
    expect(found).to.deep.equal({ 'zookeeper-1': 'a', 'zookeeper-2': 'a', 'zookeeper-3': '' });
  });
});
