import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../../src/clock';
import { ConfigurationError, UnavailableError } from '../../../../src/errors';
import { converge } from '../../../../src/process/members/converge';
import { readPlan, type TierName } from '../../../../src/process/members/plan';
import { StateFile, type TierState } from '../../../../src/process/members/state';
import { lostForGood, type Tier } from '../../../../src/process/members/tier';

describe('converge', () => {
  let folder: string;
  let file: string;

  /** Answers with these problems, one a pass, and then with none. */
  const tier = (name: TierName, problems: (string | Error)[]): Tier & { passes: number } => ({
    name, wanted: [`${name}-1`], passes: 0,
    pass(): Promise<TierState> {
      this.passes += 1;
      const problem = problems.shift() ?? '';
      if (problem instanceof Error) return Promise.reject(problem);
      return Promise.resolve({ wanted: [`${name}-1`], members: { [`${name}-1`]: 'a' }, converged: problem === '', problem });
    },
    close: () => Promise.resolve(),
  });
  const run = (tiers: readonly Tier[], timeoutMs = 5_000) =>
    converge({ tiers, state: new StateFile(file), clock: systemClock, timeoutMs });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    file = join(folder, 'state.json');
  });
  afterEach(() => { rmSync(folder, { recursive: true }); });

  it('goes on until each tier has its members, and does not look at one again that has', async () => {
    const tiers = [tier('zookeeper', []), tier('mongodb', ['copies', 'votes'])];
    expect(await run(tiers)).to.deep.equal([
      { tier: 'zookeeper', converged: true, problem: '' }, { tier: 'mongodb', converged: true, problem: '' },
    ]);
    expect(tiers.map(({ passes }) => passes)).to.deep.equal([1, 3]);
  });

  it('does not let one that waits keep the others, and says what it waits for', async () => {
    const waits = Array.from({ length: 100 }, () => 'mongodb-2 does not answer yet');
    const [first, second] = await run([tier('mongodb', waits), tier('solr', [])], 600);
    expect(first).to.deep.equal({ tier: 'mongodb', converged: false, problem: 'mongodb-2 does not answer yet' });
    expect(second?.converged).to.equal(true);
  });

  it('keeps what was known when nothing can be found out', async () => {
    await run([tier('mongodb', [])]);
    await run([tier('mongodb', [new UnavailableError('no primary')])], 0);
    const { mongodb } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, TierState>;
    expect(mongodb).to.deep.equal({
      wanted: ['mongodb-1'], members: { 'mongodb-1': 'a' }, converged: false, problem: 'no primary',
    });
  });

  it('ends at once with what a person has to mend', async () => {
    const refusal = await run([tier('mongodb', [new ConfigurationError('another set')])]).catch((error: unknown) => error);
    expect(refusal).to.be.instanceOf(ConfigurationError);
  });

  it('does not take a state that can\'t be read for none', () => {
    writeFileSync(file, '{');
    expect(() => new StateFile(file)).to.throw(ConfigurationError, 'state.json can\'t be read');
  });
});

describe('lostForGood', () => {
  const former = { wanted: [], members: { a: '1', b: '1', c: '1' }, converged: true, problem: '' };

  it('is half of the members or more without their data', () => {
    expect(lostForGood(former, [{ name: 'a', incarnation: '2' }, { name: 'b', incarnation: '1' }, { name: 'c' }])).to.equal('');
    expect(lostForGood(former, [{ name: 'a', incarnation: '2' }, { name: 'b', incarnation: '2' }]))
      .to.equal('a, b of a, b, c lost the data, too many to go on: restore a backup');
    expect(lostForGood(undefined, [{ name: 'a', incarnation: '2' }])).to.equal('');
  });
});

describe('readPlan', () => {
  let file: string;
  const read = (content: unknown): unknown => {
    writeFileSync(file, JSON.stringify(content));
    return readPlan(file);
  };

  beforeEach(() => { file = join(mkdtempSync(join(tmpdir(), 'resilog-')), 'plan.json'); });

  it('takes members with and without an address', () => {
    const plan = { mongodb: { replicaSet: 'rs0', members: [{ name: 'mongodb-1', address: '[::1]:1' }, { name: 'mongodb-2' }] } };
    expect(read(plan)).to.deep.equal(plan);
  });

  it('names what is wrong', () => {
    expect(() => read({ mongdb: {} })).to.throw(ConfigurationError, /mongdb/);
    expect(() => read({ solr: { replicas: 1, members: [{ name: 'a' }, { name: 'a' }] } })).to.throw('solr has two members a');
    expect(() => readPlan(`${file}.none`)).to.throw(ConfigurationError, /can't be read/);
  });
});
