import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CHECKOUT = join(__dirname, '..', '..');
const ROW = /^\| (\d+) \| .+ \| `(tests\/[^`]+)`: (.+) \|$/gm;

describe('docs/reliability.md', () => {
  const rows = [...readFileSync(join(CHECKOUT, 'docs', 'reliability.md'), 'utf8').matchAll(ROW)]
    .map(([, number, file, title]) => ({ number: Number(number), file: file ?? '', title: title ?? '' }));

  it('has a row for each of the fifty schedules', () => {
    expect(rows.map(({ number }) => number)).to.deep.equal(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  for (const { number, file, title } of rows) {
    it(`names a test that there is for schedule ${number}`, () => {
      expect(existsSync(join(CHECKOUT, file)), file).to.equal(true);
      expect(title).to.match(new RegExp(`\\(schedules? [^)]*\\b${number}\\b`), 'the title says which schedule it is');
      const source = readFileSync(join(CHECKOUT, file), 'utf8');
      expect(["'", '`', '"'].some((quote) => source.includes(`${quote}${title}${quote}`)), `${file}: ${title}`).to.equal(true);
    });
  }
});
