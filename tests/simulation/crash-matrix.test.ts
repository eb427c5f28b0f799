import { expect } from 'chai';
import type { Crash } from './crashes';
import { survey } from './fault-points';
import { report } from './shrink';
import { runSourceCommands } from './source-commands';
import { runSchedule, type ScheduleOptions } from './world';

/** Schedules that are looked through for the fault points that they come by. */
const SCOUTED = 80;
/** Schedules in which a process dies at a point the first time, and as many in which it does at a later time. */
const EACH = 2;

/** Points that hardly anybody comes by unless others died before or take their time, and how. */
const PRELUDES: Readonly<Record<string, Omit<ScheduleOptions, 'seed'> & { readonly crashes: readonly Crash[] }>> = {
  'consumer.claim-kept': { normalisingMs: 6_000, crashes: [] },
  'consumer.silent-failure-counted': {
    clients: 1, requests: 1,
    crashes: [1, 2, 3, 4].map((occurrence) => ({ point: 'consumer.file-claimed', occurrence })),
  },
  'queue.letter-changed': { crashes: [{ point: 'consumer.letter-written', occurrence: 1 }] },
};

/** Schedules that are looked through for the points of the audit, which has something to mend in each. */
const AUDITED = 6;

interface Case {
  readonly options: ScheduleOptions;
  readonly crash: Crash;
}

/**
 * Every step between two durable effects, as the sources name them: a process dies there, the first time and a later
 * time that it is reached, and starts again; then all settle and nothing is lost, doubled, resurrected or misplaced.
 */
describe('crash matrix', function () {
  this.timeout(600_000);
  const { points, effects, withoutPoint } = survey();
  const { stackTraceLimit } = Error;
  /** Point → how often each scouted seed reaches it. */
  const scouted = new Map<string, { readonly options: ScheduleOptions; readonly times: number }[]>();
  let ofSources: ReadonlyMap<string, number>;

  before(async () => {
    Error.stackTraceLimit = 0;
    for (let seed = 1; seed <= SCOUTED; seed += 1) await scout({ seed, hostile: true, crashes: [] });
    for (const [point, prelude] of Object.entries(PRELUDES)) {
      for (let seed = 1; seed <= SCOUTED / 2 && (scouted.get(point)?.length ?? 0) < EACH; seed += 1) {
        await scout({ hostile: true, ...prelude, seed }, (other) => other === point);
      }
    }
    for (let seed = 1; seed <= AUDITED; seed += 1) {
      await scout({ seed, hostile: false, audited: 'damaged', crashes: [] }, (point) => point.startsWith('audit.'));
    }
    const { reached, violations } = await runSourceCommands();
    expect(violations).to.deep.equal([]);
    ofSources = reached;
  });
  after(() => { Error.stackTraceLimit = stackTraceLimit; });

  async function scout(options: ScheduleOptions, isMeant: (point: string) => boolean = () => true): Promise<void> {
    const result = await runSchedule({ ...options, traced: false });
    expect(result.violations, `seed ${options.seed}`).to.deep.equal([]);
    for (const [point, times] of result.reached) {
      if (!isMeant(point)) continue;
      scouted.set(point, [...scouted.get(point) ?? [], { options, times }]);
    }
  }

  function casesOf(point: string): readonly Case[] {
    const known = scouted.get(point) ?? [];
    const first = known.slice(0, EACH).map(({ options }) => ({ options, crash: { point, occurrence: 1 } }));
    const later = known.filter(({ times }) => times > 1).slice(-EACH)
      .map(({ options, times }, place) => ({ options, crash: { point, occurrence: place === 0 ? 2 : times } }));
    return [...first, ...later];
  }

  it('finds each point under a name of its own in the sources, and one behind every durable effect', () => {
    const names = points.map(({ name }) => name);
    expect(names.filter((name, place) => names.indexOf(name) !== place), 'names used twice').to.deep.equal([]);
    for (const { name, place } of points) expect(name, place).to.match(/^[a-z]+\.[a-z-]+$/);
    expect(effects).to.be.greaterThan(60);
    expect(withoutPoint, 'durable effects that no fault point comes behind').to.deep.equal([]);
  });

  for (const { name, place } of points) {
    it(`loses nothing when a process dies at ${name}`, async () => {
      const cases = casesOf(name);
      const times = ofSources.get(name) ?? 0;
      expect(cases.length + times, `${name} (${place}) is reached by no schedule`).to.be.greaterThan(0);
      for (const { options, crash } of cases) {
        const crashes = [...options.crashes ?? [], crash];
        const result = await runSchedule({ ...options, crashes });
        expect(result.crashed, `seed ${options.seed}`).to.deep.include(crash);
        expect(result.violations, `seed ${options.seed}: ${report(result)}`).to.deep.equal([]);
      }
      for (let occurrence = 1; occurrence <= times; occurrence += 1) {
        const { violations, crashed } = await runSourceCommands({ point: name, occurrence });
        expect(crashed, `time ${occurrence}`).to.have.length(1);
        expect(violations, `time ${occurrence}`).to.deep.equal([]);
      }
    });
  }
});
