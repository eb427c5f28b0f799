import { expect } from 'chai';
import { explore } from './protocol-model/explorer';
import { keyModel } from './protocol-model/key-model';
import { laneModel, soundRules, type LaneRules } from './protocol-model/lane-model';

/**
 * Every interleaving of a producer that writes, loses answers, pauses, dies, closes and releases with a recoverer that
 * seals, closes, releases and dies: no acknowledged line is lost and none is there twice. Taking out any one rule
 * must break that: a rule that can go unnoticed is not tested.
 */
describe('protocol model', function () {
  this.timeout(60_000);

  it('keeps every acknowledged line exactly once in all interleavings', () => {
    const result = explore(laneModel(soundRules));
    expect(result.violation, JSON.stringify(result.violation)).to.equal(undefined);
    expect(result.states).to.be.greaterThan(1_000);
  });

  const broken: readonly (readonly [rule: string, change: Partial<LaneRules>, message: RegExp])[] = [
    ['a seal is valid only if it is the highest (schedule 38)', { sealIsChecked: false }, /in no file/],
    ['the highest document and the seal stay (schedules 38, 39)', { highestIsKept: false }, /in no file/],
    ['one write is in flight per lane (schedules 7, 40)', { writesInFlight: 2 }, /in no file/],
    ['a file is closed once: its state is unique (schedules 4, 21)', { stateIsUnique: false }, /in two files/],
  ];
  for (const [rule, change, message] of broken) {
    it(`needs the rule: ${rule}`, () => {
      const { violation } = explore(laneModel({ ...soundRules, ...change }));
      expect(violation?.message).to.match(message);
      expect(violation?.schedule.length).to.be.greaterThan(3);
    });
  }

  it('stores a keyed request once, whichever producer dies when (schedule 15)', () => {
    expect(explore(keyModel('transaction')).violation).to.equal(undefined);
  });

  for (const [rule, message] of [
    ['key first', 'answered without data'], ['block first', 'two copies'], ['look-up first', 'two copies'],
  ] as const) {
    it(`needs key and block in one transaction, not: ${rule}`, () => {
      expect(explore(keyModel(rule)).violation?.message).to.equal(message);
    });
  }
});
