import { expect } from 'chai';
import { nextIndexStep, type IndexFacts, type PlacedReplica } from '../../../../src/process/members/solr-steps';

const copy = (node: string, state: PlacedReplica['state'] = 'active', shard = 'shard1'): PlacedReplica =>
  ({ collection: 'logs', shard, name: `${shard}-${node}-${state}`, node, state, isLeader: state === 'active' });
const facts = (replicas: readonly PlacedReplica[], live: readonly string[], shards = ['shard1']): IndexFacts =>
  ({ shards: shards.map((shard) => ({ collection: 'logs', shard })), replicas, live: new Set(live) });

describe('nextIndexStep', () => {
  it('has nothing to do when every shard has its copies, and with no index at all', () => {
    expect(nextIndexStep(['a', 'b'], 2, facts([copy('a'), copy('b')], ['a', 'b']))).to.equal(undefined);
    expect(nextIndexStep(['a'], 2, facts([copy('a')], ['a']))).to.equal(undefined);
    expect(nextIndexStep(['a'], 2, facts([], ['a'], []))).to.equal(undefined);
  });

  it('copies a shard to a node that has none of it, the emptiest first', () => {
    const replicas = [copy('a'), copy('a', 'active', 'shard2'), copy('b', 'active', 'shard2')];
    expect(nextIndexStep(['a', 'b', 'c'], 2, facts(replicas, ['a', 'b', 'c'], ['shard1', 'shard2'])))
      .to.deep.include({ kind: 'add', shard: 'shard1', node: 'c' });
  });

  it('waits for a copy that is on its way, and for a wanted node that is down', () => {
    expect(nextIndexStep(['a', 'b'], 2, facts([copy('a'), copy('b', 'recovering')], ['a', 'b']))).to.deep.include({ kind: 'wait' });
    expect(nextIndexStep(['a', 'b'], 2, facts([copy('a'), copy('b', 'down')], ['a']))).to.deep.include({ kind: 'wait' });
    expect(nextIndexStep(['a', 'b'], 2, facts([copy('a')], ['a']))?.what).to.include('not on b');
  });

  it('moves the copies of a node that leaves: first another one, then its own is deleted', () => {
    expect(nextIndexStep(['a'], 1, facts([copy('b')], ['a', 'b']))).to.deep.include({ kind: 'add', node: 'a' });
    expect(nextIndexStep(['a'], 1, facts([copy('a', 'recovering'), copy('b')], ['a', 'b']))).to.deep.include({ kind: 'wait' });
    const step = nextIndexStep(['a'], 1, facts([copy('a'), copy('b')], ['a', 'b']));
    expect(step?.kind === 'delete' && step.replica.node).to.equal('b');
  });

  it('replaces a copy that is gone, on the same node or on another', () => {
    expect(nextIndexStep(['a', 'b'], 2, facts([copy('a'), copy('b', 'gone')], ['a', 'b']))).to.deep.include({ kind: 'add', node: 'b' });
    const replaced = nextIndexStep(['a', 'b'], 2, facts([copy('a'), copy('b', 'gone'), copy('b')], ['a', 'b']));
    expect(replaced?.kind === 'delete' && replaced.replica.state).to.equal('gone');
    expect(nextIndexStep(['a', 'c'], 2, facts([copy('a'), copy('b', 'down')], ['a', 'c']))).to.deep.include({ kind: 'add', node: 'c' });
  });

  it('never deletes the last copy that lives', () => {
    expect(nextIndexStep(['a'], 1, facts([copy('b', 'down')], ['a']))).to.deep.equal(
      { kind: 'wait', what: 'no copy of shard1 of logs is active' });
  });

  it('waits while a leader is being elected', () => {
    const followers = [{ ...copy('a'), isLeader: false }, { ...copy('b'), isLeader: false }];
    for (const wanted of [['a', 'b'], ['a']]) {
      expect(nextIndexStep(wanted, wanted.length, facts(followers, ['a', 'b']))).to.deep.equal(
        { kind: 'wait', what: 'shard1 of logs has no leader at present' });
    }
  });

  it('lets no two copies lie on one node', () => {
    const second = { ...copy('a'), name: 'second' };
    const step = nextIndexStep(['a'], 2, facts([copy('a'), second], ['a']));
    expect(step?.kind === 'delete' && step.replica.name).to.equal('second');
  });
});
