import { expect } from 'chai';
import { parseCount, parseDuration, parseTime } from '../../../src/cli/time';
import { InputError } from '../../../src/errors';

describe('times on the command line', () => {
  const nowMs = Date.UTC(2026, 2, 10, 12);

  it('reads durations with their unit', () => {
    expect(parseDuration('250ms')).to.equal(250);
    expect(parseDuration('1.5h')).to.equal(5_400_000);
    expect(parseDuration('2w')).to.equal(14 * 86_400_000);
  });

  it('reads absolute times, now and so long ago', () => {
    expect(parseTime('now', nowMs)).to.equal(nowMs);
    expect(parseTime('24h', nowMs)).to.equal(nowMs - 86_400_000);
    expect(parseTime('2026-03-01', nowMs)).to.equal(Date.UTC(2026, 2, 1));
    expect(parseTime('2026-03-01T12:00:00+02:00', nowMs)).to.equal(Date.UTC(2026, 2, 1, 10));
  });

  it('refuses what it can not read, naming it', () => {
    for (const text of ['yesterday', '5', '2026-13-01', '']) {
      expect(() => parseTime(text, nowMs), text).to.throw(InputError, `"${text}"`);
    }
    expect(() => parseDuration('5 apples')).to.throw(InputError);
  });

  it('reads whole numbers within bounds only', () => {
    expect(parseCount('20', '--rows', 1, 100)).to.equal(20);
    for (const text of ['0', '101', '1e3', '-1', '2.5', '']) {
      expect(() => parseCount(text, '--rows', 1, 100), text).to.throw(InputError, '--rows');
    }
  });
});
