import { expect } from 'chai';
import { patched } from './compiled';
import { runRange } from './schedules';
import { seededBugs } from './seeded-bugs';

/** Given: a search from the first seed on that tells after how many schedules each bug shows. */
const SEARCHED = Number(process.env.RESILOG_TEST_BUG_SCHEDULES ?? 0);
/** Schedules on both sides of the one that is known to show it: another order of the code may need a few more. */
const BEFORE = 5;
const BEHIND = 300;

/**
 * Defects that the program could have, planted in a copy of its sources: the simulation has to notice each of them. A
 * patch that does not fit the sources any more fails, and has to be made anew.
 */
describe('seeded bugs', function () {
  this.timeout(SEARCHED > 0 ? 3_600_000 : 120_000);

  for (const { name, patches, message, firstSeed, options } of seededBugs) {
    it(`are noticed: ${name}`, async () => {
      const from = SEARCHED > 0 ? 1 : Math.max(1, firstSeed - BEFORE);
      const to = SEARCHED > 0 ? SEARCHED : firstSeed + BEHIND;
      const range = { from, to, step: 1, ...(options === undefined ? {} : { options }) };
      const { failedSeed, violations } = await runRange(range, patched(patches));
      expect(failedSeed, `it went unnoticed in the schedules ${from} to ${to}`).not.to.equal(undefined);
      expect(violations.join('\n')).to.match(message);
      if (SEARCHED > 0) process.stdout.write(`      ${name}: after ${failedSeed ?? 0} schedules\n`);
    });
  }
});
