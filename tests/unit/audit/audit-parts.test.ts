import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { remedies, type Suspicion } from '../../../src/audit/finding';
import { Pace } from '../../../src/audit/pace';
import { Suspects } from '../../../src/audit/suspects';
import { UnavailableError } from '../../../src/errors';
import { programFolder } from '../../../src/schemas';
import { TestClock } from '../recovery/harness';

function suspicion(subject: string, version = '1'): Suspicion {
  return { damage: { kind: 'lines-missing', fileId: subject, detail: 'x' }, subject, version };
}

describe('parts of the audit', () => {
  it('docs/specs/audit.md describes each kind of finding', () => {
    const page = readFileSync(join(programFolder, 'docs', 'specs', 'audit.md'), 'utf8');
    const described = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, kind]) => kind);
    expect(described).to.deep.equal(Object.keys(remedies));
  });

  it('the pace holds back what is read and asked, each by itself, and saves up a second at most', async () => {
    const clock = new TestClock();
    const pace = new Pace({ clock, readBytesPerSecond: () => 1_000, indexQueriesPerSecond: () => 2 });
    const beginMs = clock.monotonic();
    for (let n = 0; n < 11; n += 1) await pace.bytes(1_000);
    expect(clock.monotonic() - beginMs).to.equal(9_000);
    for (let n = 0; n < 5; n += 1) await pace.query();
    expect(clock.monotonic() - beginMs).to.equal(10_000);
    await clock.sleep(60_000);
    const laterMs = clock.monotonic();
    for (let n = 0; n < 4; n += 1) await pace.bytes(1_000);
    expect(clock.monotonic() - laterMs).to.equal(2_000);
  });

  it('the pace ends what goes on when it is stopped', async () => {
    const stop = new AbortController();
    const pace = new Pace({
      clock: new TestClock(), readBytesPerSecond: () => 0, indexQueriesPerSecond: () => 0, signal: stop.signal,
    });
    await pace.bytes(1);
    stop.abort();
    const error = await pace.bytes(1).then(() => undefined, (thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(UnavailableError);
  });

  it('what is seen twice after the wait is confirmed; what went, or changed its version, is not', async () => {
    const clock = new TestClock();
    const suspects = new Suspects(clock, 20_000);
    suspects.add([suspicion('stays'), suspicion('goes'), suspicion('moves')]);
    const asked: string[] = [];
    const again = async (subjects: readonly string[]): Promise<{ suspicions: readonly Suspicion[] }> => {
      asked.push(...subjects);
      return { suspicions: [suspicion('stays'), suspicion('moves', '2')] };
    };
    expect(await suspects.confirmed(again, false)).to.deep.equal([]);
    expect(asked).to.deep.equal([]);
    const fromMs = clock.monotonic();
    expect((await suspects.confirmed(again, true)).map(({ subject }) => subject)).to.deep.equal(['stays']);
    expect(clock.monotonic() - fromMs).to.equal(20_000);
    expect(asked).to.deep.equal(['stays', 'goes', 'moves']);
    expect(suspects.isEmpty).to.equal(true);
  });

  it('thousands of suspects are looked at before there are more, and a look that fails forgets none', async () => {
    const clock = new TestClock();
    const suspects = new Suspects(clock, 20_000);
    suspects.add([...Array(2_000).keys()].map((n) => suspicion(String(n))));
    const failing = suspects.confirmed(async () => { throw new Error('away'); }, false);
    expect(await failing.then(() => undefined, (error: unknown) => (error as Error).message)).to.equal('away');
    expect(suspects.isEmpty).to.equal(false);
    let asked = 0;
    await suspects.confirmed(async (subjects) => {
      asked = subjects.length;
      return { suspicions: [] };
    }, false);
    expect(asked).to.equal(2_000);
    expect(suspects.isEmpty).to.equal(true);
  });
});
