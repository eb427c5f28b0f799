import { expect } from 'chai';
import { definitionSetOf } from '../../../src/normaliser/definition-set';
import { checkExamples } from '../../../src/normaliser/example-checker';
import { withinTime } from '../../../src/normaliser/time-limit';
import { normalizerXml } from './definitions';

const example = (text: string, user: string): string => (
  `<pattern name="p2"><text>user WHO</text><tags><tag name="user"><substitute>WHO</substitute></tag></tags><examples>
<example><text>${text}</text><expectedTags><expectedTag name="user">${user}</expectedTag></expectedTags></example>
</examples></pattern>`);

describe('checkExamples', () => {
  it('counts what is right and names what is not', () => {
    const check = (morePatterns: string) => checkExamples(definitionSetOf([
      { name: 'a.xml', xml: normalizerXml({ text: 'port PORT', tags: { PORT: '\\d+' }, morePatterns }) },
    ]));
    const right = check(example('user ann', 'ann'));
    expect(right).to.deep.equal(
      { normalizers: 1, patterns: 2, examples: 1, passed: 1, expectedTags: 1, equal: 1, failures: [] });
    const wrong = check(example('user ann', 'bob'));
    expect(wrong.failures.map(({ pattern, problem }) => `${pattern}: ${problem}`))
      .to.deep.equal(['p2: the tag "user" should be "bob" and is "ann"']);
    expect(check(example('nobody', 'ann')).failures[0]?.problem).to.equal('no pattern matches the example');
    expect(check(example('port 22', 'ann')).failures[0]?.problem)
      .to.equal('the example matches pattern "p1" instead');
  });

  it('does not wait for an example that a pattern can match in too many ways', function () {
    this.timeout(60_000);
    const run = 'a'.repeat(60);
    const other = example('visitor ann', 'ann').replace('p2', 'p3').replace('user WHO', 'visitor WHO');
    const report = checkExamples(definitionSetOf([{ name: 'a.xml', xml: normalizerXml({
      text: 'RUN', tags: { RUN: '(?:a+)+b' }, morePatterns: example(run, run) + other,
    }) }]));
    expect(report.failures.map(({ pattern, problem }) => `${pattern}: ${problem}`))
      .to.deep.equal(['p2: the example takes more than 2 s: a pattern can match it in too many ways']);
    expect(report.passed, 'the others are checked all the same').to.equal(1);
  });
});

describe('withinTime', () => {
  it('gives what the work gives, whatever that is, and passes on what it throws', () => {
    expect(withinTime(1_000, () => 7)).to.deep.equal({ result: 7 });
    expect(withinTime(1_000, () => undefined)).to.deep.equal({ result: undefined });
    expect(() => withinTime(1_000, () => { throw new RangeError('too far'); })).to.throw(RangeError, 'too far');
  });

  it('ends work that does not end', () => {
    expect(withinTime(50, () => { for (;;); })).to.equal(undefined);
    expect(withinTime(50, () => /^(?:a+)+b$/.test('a'.repeat(60)))).to.equal(undefined);
    expect(withinTime(1_000, () => 'next')).to.deep.equal({ result: 'next' });
  });
});
