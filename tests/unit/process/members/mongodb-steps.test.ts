import { expect } from 'chai';
import { nextSetStep, type SetFacts, type SetMember, type SetStep } from '../../../../src/process/members/mongodb-steps';
import type { WantedServer } from '../../../../src/process/members/plan';

const server = (index: number, incarnation = 'a', port = index): WantedServer =>
  ({ name: `mongodb-${index}`, incarnation, address: `[::1]:${port}` });
const entry = (index: number, more: Partial<SetMember> = {}): SetMember => ({
  _id: index - 1, host: `[::1]:${index}`, votes: 1, priority: 1, tags: { member: `mongodb-${index}`, incarnation: 'a' },
  ...more,
});

function facts(
  members: readonly SetMember[], states: Readonly<Record<string, string>> = {}, answering: readonly string[] = [],
): SetFacts {
  const all = members.map(({ host }, index): [string, string] => [host, states[host] ?? (index === 0 ? 'PRIMARY' : 'SECONDARY')]);
  return { members, states: new Map(all), answering: new Set(answering) };
}

const hosts = (step: SetStep | undefined): string[] => (step?.kind === 'configure' ? step.members.map(({ host }) => host) : []);

describe('nextSetStep', () => {
  it('has nothing to do when everybody is there', () => {
    expect(nextSetStep([server(1), server(2)], facts([entry(1), entry(2)]))).to.equal(undefined);
  });

  it('adds who is wanted and answers, without a vote and with a number of its own', () => {
    const step = nextSetStep([server(1), server(2)], facts([entry(1, { _id: 4 })], {}, ['[::1]:2']));
    expect(step).to.deep.include({ kind: 'configure', what: 'adds mongodb-2 without a vote' });
    expect(step?.kind === 'configure' && step.members[1]).to.deep.equal(
      { _id: 5, host: '[::1]:2', votes: 0, priority: 0, tags: { member: 'mongodb-2', incarnation: 'a' } });
  });

  it('waits for who does not answer, and for who has no address', () => {
    const step = nextSetStep([server(1), server(2), { name: 'mongodb-3' }], facts([entry(1)]));
    expect(step).to.deep.equal({ kind: 'wait', what: 'mongodb-2 does not answer yet, mongodb-3 has no address yet' });
  });

  it('gives a vote to one who has copied the data, and not before', () => {
    const joining = [entry(1), entry(2, { votes: 0, priority: 0 }), entry(3, { votes: 0, priority: 0 })];
    const wanted = [server(1), server(2), server(3)];
    expect(nextSetStep(wanted, facts(joining, { '[::1]:2': 'STARTUP2', '[::1]:3': 'STARTUP2' })))
      .to.deep.include({ kind: 'wait', what: 'mongodb-2 copies the data (STARTUP2), mongodb-3 copies the data (STARTUP2)' });
    const step = nextSetStep(wanted, facts(joining));
    expect(step?.kind === 'configure' && step.members.map(({ votes }) => votes)).to.deep.equal([1, 1, 0]);
  });

  it('takes out one at a time who is not wanted', () => {
    expect(hosts(nextSetStep([server(1)], facts([entry(1), entry(2), entry(3)])))).to.deep.equal(['[::1]:1', '[::1]:3']);
  });

  it('takes out the primary last, after it has handed over', () => {
    const states = { '[::1]:1': 'SECONDARY', '[::1]:2': 'PRIMARY' };
    expect(hosts(nextSetStep([server(1)], facts([entry(1), entry(2), entry(3)], states)))).to.deep.equal(['[::1]:1', '[::1]:2']);
    expect(nextSetStep([server(1)], facts([entry(1), entry(2)], states))?.kind).to.equal('step-down');
  });

  it('lets nobody leave while one who stays is down', () => {
    const states = { '[::1]:2': '(not reachable/healthy)' };
    expect(nextSetStep([server(1), server(2)], facts([entry(1), entry(2), entry(3)], states)))
      .to.deep.equal({ kind: 'wait', what: 'mongodb-2 must be up before another member leaves' });
  });

  it('lets nobody leave before who is to come has come', () => {
    expect(nextSetStep([server(1), server(2)], facts([entry(1), entry(3)]))?.what).to.equal('mongodb-2 does not answer yet');
  });

  it('takes out the entry of data that are gone before anything joins in its place', () => {
    const wanted = [server(1), server(2), server(3, 'b')];
    const step = nextSetStep(wanted, facts([entry(1), entry(2), entry(3)], { '[::1]:3': 'DOWN' }, ['[::1]:3']));
    expect(hosts(step)).to.deep.equal(['[::1]:1', '[::1]:2']);
    const next = nextSetStep(wanted, facts([entry(1), entry(2)], {}, ['[::1]:3']));
    expect(next?.what).to.equal('adds mongodb-3 without a vote');
  });

  it('follows an address that changed while the data stayed, with the same number', () => {
    const step = nextSetStep([server(1), server(2, 'a', 9)], facts([entry(1), entry(2)]));
    expect(step?.kind === 'configure' && step.members[1]).to.deep.include({ _id: 1, host: '[::1]:9' });
  });

  it('writes who is who into a set that was made without names', () => {
    const step = nextSetStep([server(1)], facts([{ _id: 0, host: '[::1]:1' }]));
    expect(step?.kind === 'configure' && step.members[0]?.tags).to.deep.equal({ member: 'mongodb-1', incarnation: 'a' });
  });

  it('keeps who is wanted and has no address at present', () => {
    expect(nextSetStep([server(1), { name: 'mongodb-2' }], facts([entry(1), entry(2)]))).to.equal(undefined);
  });
});
