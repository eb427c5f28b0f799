import { expect } from 'chai';
import { epochMsOf, logDate, nearestYear, printLogDate } from '../../../src/normaliser/log-date';
import { isTimeZone, offsetMsAt, utcOfWallMs } from '../../../src/normaliser/time-zone';

const HOUR = 3_600_000;

describe('time zones', () => {
  it('know their offsets through the year, and those that are no whole hours', () => {
    expect(offsetMsAt('Europe/Paris', Date.UTC(2026, 0, 1)) / HOUR).to.equal(1);
    expect(offsetMsAt('Europe/Paris', Date.UTC(2026, 6, 1)) / HOUR).to.equal(2);
    expect(offsetMsAt('Asia/Kathmandu', Date.UTC(2026, 0, 1)) / HOUR).to.equal(5.75);
    expect(offsetMsAt('America/New_York', Date.UTC(2026, 0, 1)) / HOUR).to.equal(-5);
    expect(isTimeZone('UTC') && isTimeZone('Australia/Lord_Howe')).to.equal(true);
    expect(isTimeZone('') || isTimeZone('Mars/Olympus')).to.equal(false);
  });

  it('turn a reading into its instant on both sides of a change, the first one where it repeats', () => {
    const paris = (month: number, day: number, hour: number, minute = 0): string => (
      new Date(utcOfWallMs('Europe/Paris', Date.UTC(2026, month - 1, day, hour, minute))).toISOString().slice(5, 16));
    expect(paris(3, 29, 1, 59)).to.equal('03-29T00:59');
    expect(paris(3, 29, 3)).to.equal('03-29T01:00');
    expect(paris(3, 29, 2, 30), 'skipped: the offset before').to.equal('03-29T01:30');
    expect(paris(10, 25, 1, 59)).to.equal('10-24T23:59');
    expect(paris(10, 25, 2, 30), 'repeated: the first').to.equal('10-25T00:30');
    expect(paris(10, 25, 3)).to.equal('10-25T02:00');
  });

  it('turn every instant of a year back into itself but for the repeated hour', () => {
    for (const zone of ['Europe/Paris', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Kolkata']) {
      let different = 0;
      for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += HOUR / 2) {
        if (utcOfWallMs(zone, at + offsetMsAt(zone, at)) !== at) different += 1;
      }
      expect(different, zone).to.be.at.most(2);
    }
  });
});

describe('dates of lines', () => {
  it('are those of the calendar on every day of the years 1 to 9999', () => {
    // JavaScript's own calendar is the oracle; 17 days are no divisor of a week, a year or a century.
    const end = Date.UTC(9999, 11, 31);
    for (let at = Date.parse('0001-01-01T07:08:09Z'); at < end; at += 17 * 24 * HOUR) {
      const date = new Date(at);
      const parts = {
        year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(),
        hour: 7, minute: 8, second: 9,
      };
      expect(logDate(parts)?.wallMs, date.toISOString()).to.equal(at);
    }
  });

  it('without a year are in the one that is nearest, on any day', () => {
    const receptions = ['2026-11-22T05:00Z', '2024-01-01T00:00Z', '2024-07-02T12:00Z', '2023-12-31T00:00Z'].map(Date.parse);
    for (const received of receptions) {
      const year = new Date(received).getUTCFullYear();
      for (let at = Date.UTC(2024, 0, 1); at < Date.UTC(2025, 0, 1); at += 24 * HOUR) {
        const day = new Date(at);
        const parts = { month: day.getUTCMonth() + 1, day: day.getUTCDate() };
        const years = Array.from({ length: 9 }, (_, index) => year - 4 + index)
          .filter((candidate) => new Date(Date.UTC(candidate, parts.month - 1, parts.day)).getUTCDate() === parts.day);
        const distance = (candidate: number): number => (
          Math.abs(Date.UTC(candidate, parts.month - 1, parts.day) - received));
        const [nearest] = years.sort((left, right) => distance(left) - distance(right));
        expect(nearestYear(parts, received), `${day.toISOString()} at ${received}`).to.equal(nearest);
      }
    }
  });

  it('exist only where the calendar has them', () => {
    const bad = [
      { month: 13, day: 1 }, { month: 0, day: 1 }, { month: 2, day: 29 }, { month: 4, day: 31 }, { month: 1, day: 0 },
      { month: 1, day: 1, hour: 24 }, { month: 1, day: 1, minute: 60 }, { month: 1, day: 1, second: 60 },
      { month: 1, day: Number.NaN },
    ];
    for (const parts of bad) expect(logDate({ year: 2026, ...parts }), JSON.stringify(parts)).to.equal(undefined);
    expect(logDate({ year: 2024, month: 2, day: 29 })).to.not.equal(undefined);
    expect(logDate({ year: 0, month: 1, day: 1 })).to.equal(undefined);
    const early = logDate({ year: 33, month: 4, day: 3 });
    expect(early && printLogDate(early)).to.equal('0033-04-03 00:00:00');
  });

  it('are printed as Python prints them', () => {
    const date = logDate({ year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5, micros: 60,
      offsetMinutes: -210, aware: true });
    expect(date && printLogDate(date)).to.equal('2026-01-02 03:04:05.000060-03:30');
    expect(date && new Date(epochMsOf(date, 'Asia/Tokyo')).toISOString()).to.equal('2026-01-02T06:34:05.000Z');
  });

  it('get the year nearest to the stored reception (schedule 26)', () => {
    const year = (month: number, day: number, received: string): number | undefined =>
      nearestYear({ month, day }, Date.parse(received));
    expect(year(12, 31, '2026-01-01T00:05Z')).to.equal(2025);
    expect(year(1, 1, '2026-12-31T23:59Z')).to.equal(2027);
    expect(year(11, 22, '2026-11-22T00:00Z')).to.equal(2026);
    expect(year(2, 29, '2026-03-01T00:00Z')).to.equal(2028);
    expect(year(2, 29, '2025-01-01T00:00Z')).to.equal(2024);
    expect(year(2, 30, '2026-01-01T00:00Z')).to.equal(undefined);
  });
});
