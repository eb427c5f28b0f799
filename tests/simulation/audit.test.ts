import { expect } from 'chai';
import { report, shrink } from './shrink';
import { runSchedule, type ScheduleOptions } from './world';

/** Other seeds, and more of them: RESILOG_TEST_SEED, RESILOG_TEST_AUDITS. */
const SEED = Number(process.env.RESILOG_TEST_SEED ?? 1);
const AUDITS = Number(process.env.RESILOG_TEST_AUDITS ?? 60);
const DAMAGED = Math.ceil(AUDITS / 3);

/**
 * The audit as one more process among all others, whose requests fail and which dies as they do. While everything goes
 * wrong that may, nothing is lost, so it has to find nothing; what is planted once all is at rest it finds and mends.
 */
describe('audit in the simulation', function () {
  this.timeout(600_000);
  const { stackTraceLimit } = Error;
  before(() => { Error.stackTraceLimit = 0; });
  after(() => { Error.stackTraceLimit = stackTraceLimit; });

  async function check(count: number, audited: NonNullable<ScheduleOptions['audited']>): Promise<void> {
    for (let seed = SEED; seed < SEED + count; seed += 1) {
      const result = await runSchedule({ seed, audited, traced: false });
      if (result.violations.length === 0) continue;
      const shortest = await shrink({ seed, audited }, await runSchedule({ seed, audited }));
      expect.fail(`seed ${seed}: ${report(shortest)}`);
    }
  }

  it(`never finds damage where there is none, in ${AUDITS} schedules`, () => check(AUDITS, 'throughout'));

  it(`finds and mends what is damaged, and finds nothing after that, in ${DAMAGED} schedules`, () => (
    check(DAMAGED, 'damaged')));
});
