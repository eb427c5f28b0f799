import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftUnmade, mends, plantedDefects } from '../mends/mends';
import { seededBugs } from '../simulation/seeded-bugs';

const CHECKOUT = join(__dirname, '..', '..');
/** Where the tests are of a file that only says what they are run on. */
const SUITE_OF: ReadonlyMap<string, string> = new Map([
  ['tests/conformance/queue/queue.test.ts', 'tests/conformance/queue/queue-suite.ts'],
  ['tests/conformance/registry/coordination.test.ts', 'tests/conformance/registry/coordination-suite.ts'],
]);
const read = (...path: readonly string[]): string => readFileSync(join(CHECKOUT, ...path), 'utf8');

// `make mends` takes them out and runs the tests; here the list is only kept from growing old.
describe('mends that can be taken out', () => {
  it('are of known schedules, each once, and in their order', () => {
    const schedules = mends.map(({ schedule }) => schedule);
    expect(schedules).to.deep.equal([...new Set(schedules)].sort((a, b) => a - b));
    const all = [...schedules, ...plantedDefects.keys(), ...leftUnmade.keys()].sort((a, b) => a - b);
    expect(all, 'all schedules').to.deep.equal(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  for (const { schedule, mend, patches, file, test } of mends) {
    it(`fit the sources and have a test: ${mend} (schedule ${schedule})`, () => {
      for (const patch of patches) {
        expect(read('src', patch.file).split(patch.from), `src/${patch.file}: ${patch.from}`).to.have.length(2);
      }
      expect([file, SUITE_OF.get(file) ?? []].flat().map((path) => read(path)).join('\n')).to.include(test);
    });
  }

  it('are named by the planted defects that stand for them', () => {
    const names = seededBugs.map(({ name }) => name);
    for (const name of plantedDefects.values()) expect(names).to.include(name);
  });
});
