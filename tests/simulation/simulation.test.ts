import { expect } from 'chai';
import { runSchedules } from './schedules';
import { report, shrink } from './shrink';
import { runSchedule, type ScheduleOptions, type ScheduleResult } from './world';

/** Other seeds, and more of them: RESILOG_TEST_SEED, RESILOG_TEST_SCHEDULES. */
const SEED = Number(process.env.RESILOG_TEST_SEED ?? 1);
const SCHEDULES = Number(process.env.RESILOG_TEST_SCHEDULES ?? 1_000);
/** Within so many schedules a rule that was taken out must be missed. */
const SABOTAGED_SCHEDULES = 300;

type Sabotage = NonNullable<ScheduleOptions['sabotage']>;

async function firstFailure(sabotage: Sabotage): Promise<ScheduleResult & { seed: number }> {
  for (let seed = 1; seed <= SABOTAGED_SCHEDULES; seed += 1) {
    const result = await runSchedule({ seed, sabotage });
    if (result.violations.length > 0) return { ...result, seed };
  }
  throw new Error(`nothing went wrong in ${SABOTAGED_SCHEDULES} schedules`);
}

/**
 * Two producers and two consumers with all their background work, over archive, index and registry in memory, in an
 * order that a seed decides: requests that are refused, lost, answered too late or not at all; deaths, pauses, lost
 * connections and sessions, wrong clocks, an index without power.
 */
describe('simulation', function () {
  this.timeout(600_000);
  const { stackTraceLimit } = Error;
  before(() => { Error.stackTraceLimit = 0; });
  after(() => { Error.stackTraceLimit = stackTraceLimit; });

  it(`keeps acknowledged lines exactly once, and none that was deleted, in ${SCHEDULES} schedules`, async () => {
    const { schedules, acknowledged, failedSeeds, seconds, processorSeconds } = await runSchedules(SEED, SCHEDULES);
    for (const seed of failedSeeds) {
      const shortest = await shrink({ seed }, await runSchedule({ seed }));
      expect.fail(`seed ${seed}: ${report(shortest)}`);
    }
    const aMinute = (spent: number): number => Math.round(60 * schedules / spent);
    process.stdout.write(`      ${schedules} schedules, ${aMinute(seconds)} a minute,`
      + ` ${aMinute(processorSeconds)} a minute of one processor\n`);
    expect(schedules).to.equal(SCHEDULES);
    expect(acknowledged).to.be.greaterThan(5 * SCHEDULES);
  });

  it('runs the same schedule again from its seed, and from its decisions', async () => {
    const first = await runSchedule({ seed: 7 });
    expect((await runSchedule({ seed: 7 })).trace).to.deep.equal(first.trace);
    expect((await runSchedule({ seed: 7, given: first.decisions })).trace).to.deep.equal(first.trace);
    expect((await runSchedule({ seed: 8 })).trace).not.to.deep.equal(first.trace);
  });

  const sabotages: readonly (readonly [rule: string, message: RegExp, sabotage: Sabotage])[] = [
    ['a seal ends a lane (schedule 38)', /acknowledged and is lost|does not settle/, ({ journal, store }) => {
      journal.seal = (lane) => Promise.resolve(Math.max(-1, ...store.journal.get(lane)?.keys() ?? []) + 1);
    }],
    ['a key is kept with its lines (schedule 15)', /times after \d+ tries with a key/, ({ journal }) => {
      const insert = journal.insert.bind(journal);
      journal.insert = (blocks) => insert(blocks);
    }],
    ['files are verified on the disk (schedule 10)', /archived as .* and not indexed/, (_, index) => {
      const commit = index.commit.bind(index);
      index.commit = (collection) => commit(collection, 'soft');
    }],
    ['deleted lines are written down (schedule 19)', /was deleted and is there|does not settle/, ({ states }) => {
      states.bury = async (id) => {
        const state = await states.get(id);
        if (state === undefined) throw new Error(`there is no file ${id}`);
        return state;
      };
    }],
    ['an answer waits for its write (schedule 1)', /acknowledged and is lost|does not settle/, ({ journal }) => {
      const insert = journal.insert.bind(journal);
      let inserts = 0;
      journal.insert = (blocks, key) => {
        inserts += 1;
        return inserts % 5 === 0 ? Promise.resolve({ outcome: 'stored' }) : insert(blocks, key);
      };
    }],
  ];
  for (const [rule, message, sabotage] of sabotages) {
    it(`notices when a rule is taken out, and shortens the schedule: ${rule}`, async () => {
      const { seed, ...failure } = await firstFailure(sabotage);
      expect(failure.violations.join('\n')).to.match(message);
      const shortest = await shrink({ seed, sabotage }, failure);
      expect(shortest.violations.length).to.be.greaterThan(0);
      const telling = (decisions: readonly number[]): number => decisions.filter((decision) => decision !== 0).length;
      // Of some schedules half is needed: whatever leads up to a late loss of power, say.
      expect(telling(shortest.decisions)).to.be.lessThan(telling(failure.decisions) * 2 / 3);
      const again = await runSchedule({ seed, sabotage, given: shortest.decisions });
      expect(again.violations).to.deep.equal(shortest.violations);
    });
  }
});
