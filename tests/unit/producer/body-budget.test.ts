import { expect } from 'chai';
import { limits } from '../../../src/limits';
import { MemoryBudget, type Reservation } from '../../../src/producer/body-budget';
import { IntakeError } from '../../../src/producer/intake-error';
import { ManualClock, settle } from '../../support/manual-clock';
import { Seeded } from '../../support/seeded';

type Outcome = 'finished' | 'refused';

/** As a request does it: what it could not have, it gives back whole. */
async function grow(body: Reservation, bytes: number): Promise<Outcome> {
  try {
    await body.grow(bytes);
    return 'finished';
  } catch (error) {
    expect(error).to.be.instanceOf(IntakeError).with.property('status', 503);
    body.release();
    return 'refused';
  }
}

/** A budget of 80 bytes that is used up, with a body that arrives, and one that waits for memory. */
function exhausted(): { clock: ManualClock; budget: MemoryBudget; first: Reservation; waiting: Promise<Outcome> } {
  const clock = new ManualClock();
  const budget = new MemoryBudget(() => 80, clock);
  const first = budget.open();
  expect(first.grow(80)).to.equal(undefined);
  return { clock, budget, first, waiting: grow(budget.open(), 10) };
}

describe('the memory of bodies', () => {
  it('lets the oldest on: eight half-read bodies do not block one another (schedule 31)', async () => {
    const budget = new MemoryBudget(() => 80, new ManualClock());
    const bodies = Array.from({ length: 8 }, () => budget.open());
    for (const body of bodies) expect(body.grow(10)).to.equal(undefined);
    const outcomes = await Promise.all(bodies.map(async (body) => {
      const outcome = await grow(body, 10);
      expect(budget.used).to.be.at.most(80);
      body.release();
      return outcome;
    }));
    expect(outcomes, 'the youngest gives way').to.deep.equal([...Array.from({ length: 7 }, () => 'finished'), 'refused']);
    expect(budget.used).to.equal(0);
  });

  it('is waited for until somebody gives some back', async () => {
    const { budget, first, waiting } = exhausted();
    first.shrink(10);
    expect(await waiting).to.equal('finished');
    expect(budget.used).to.equal(80);
  });

  it('is waited for no longer than the limit, e.g. while a slow client holds it', async () => {
    const { clock, budget, waiting } = exhausted();
    await clock.advance(limits.memoryWaitMs);
    expect(await waiting).to.equal('refused');
    expect(budget.used).to.equal(80);
  });

  it('is refused for good beyond the whole budget, for no waiting would help', async () => {
    const { budget, first } = exhausted();
    const error = await Promise.resolve(first.grow(1)).catch((refusal: unknown) => refusal);
    expect(error).to.be.instanceOf(IntakeError).with.property('status', 413);
    first.release();
    expect(budget.used).to.equal(10);
  });

  it('is refused at once when too many wait', async () => {
    const { budget } = exhausted();
    const others = Array.from({ length: limits.memoryWaiters - 1 }, () => grow(budget.open(), 1));
    expect(await grow(budget.open(), 1)).to.equal('refused');
    expect(await Promise.race([...others, settle().then(() => 'wait')])).to.equal('wait');
    expect(budget.used).to.equal(80);
  });

  it('is not taken by who came later while somebody older waits', async () => {
    const { budget, first } = exhausted();
    const later = grow(budget.open(), 1);
    first.shrink(5);
    expect(await Promise.race([later, settle().then(() => 'waits')])).to.equal('waits');
    first.shrink(6);
    expect(await later).to.equal('finished');
  });

  it('waits for no one who has gone', async () => {
    const { budget, first } = exhausted();
    const leaving = budget.open();
    const left = grow(leaving, 10);
    leaving.release();
    expect(await left).to.equal('refused');
    first.release();
    await settle();
    expect(budget.used, 'the one that waited before has it').to.equal(10);
    expect(await grow(leaving, 1), 'after its end').to.equal('refused');
  });

  it('knows no deadlock and no more than its limit, whatever bodies do: 100 seeds', async () => {
    let refused = 0;
    for (let seed = 1; seed <= 100; seed += 1) refused += await play(seed);
    expect(refused, 'memory was short in many of them').to.be.greaterThan(100);
  });
});

/**
 * Bodies that come, grow, shrink and end in any order, in a budget that each would fit in alone. No time passes: only
 * the rules for waiting can end a wait. Returns how many were refused.
 */
async function play(seed: number): Promise<number> {
  const random = new Seeded(seed);
  const limit = random.between(10, 100);
  const budget = new MemoryBudget(() => limit, new ManualClock());
  const live: Reservation[] = [];
  const counts = { finished: 0, refused: 0 };
  const body = async (): Promise<void> => {
    const reservation = budget.open();
    live.push(reservation);
    let outcome: Outcome = 'finished';
    for (let step = random.between(1, 12); step > 0 && outcome === 'finished'; step -= 1) {
      if (random.fraction() < 0.2) reservation.shrink(random.between(0, reservation.bytes));
      const oldest = live[0] === reservation;
      outcome = await grow(reservation, random.between(0, limit - reservation.bytes));
      if (oldest) expect(outcome, `the oldest is never refused (seed ${seed})`).to.equal('finished');
      expect(budget.used, `seed ${seed}`).to.be.at.most(limit).and.to.equal(live.reduce((sum, { bytes }) => sum + bytes, 0));
      for (let pause = random.between(0, 3); pause > 0; pause -= 1) await Promise.resolve();
    }
    reservation.release();
    live.splice(live.indexOf(reservation), 1);
    counts[outcome] += 1;
  };
  const bodies = Array.from({ length: 20 }, async () => {
    for (let pause = random.between(0, 60); pause > 0; pause -= 1) await Promise.resolve();
    await body();
  });
  const ended = await Promise.race([Promise.all(bodies).then(() => true), settle().then(settle).then(() => false)]);
  expect(ended, `every body ends (seed ${seed})`).to.equal(true);
  expect(budget.used).to.equal(0);
  expect(counts.finished).to.be.greaterThan(0);
  return counts.refused;
}
