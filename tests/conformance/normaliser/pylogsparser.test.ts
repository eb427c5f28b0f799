import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { definitionSetOf } from '../../../src/normaliser/definition-set';
import { checkExamples, type ExampleReport } from '../../../src/normaliser/example-checker';
import { createNormaliser, type NormaliserChain } from '../../../src/normaliser/normaliser';
import { loadDefinitions } from '../../../src/process/definitions';
import { checkout, run } from '../../support/checkout';
import { pylogsparserChain, pylogsparserFiles, pylogsparserFolder } from '../../support/pylogsparser/installation';
import { ourOutcome, type PrintedTag } from '../../support/pylogsparser/outcome';

/** Examples whose tags differ, each with the reason. Without an entry here every tag of every example is equal. */
const EXAMPLES_THAT_DIFFER: Readonly<Record<string, string>> = {
  'GeoIPsource-0.99 source_country': 'the original needs a database of addresses that is not part of it, and without it '
    + 'sets nothing, as ours',
};

const AHEAD = 'the original sets a date that is more than a minute ahead back by a year; ours takes the nearest year';
const PAST = 'the test expects the year in which it was written, and fails with the original too';

/** Sample lines whose date is of another year, in their order. */
const YEARS_THAT_DIFFER: readonly (readonly [test: string, reason: string])[] = [
  ['test_simple_syslog', AHEAD], ['test_simple_syslog', AHEAD],
  ['test_simple_wabauth', PAST], ['test_simple_wabauth', PAST], ['test_simple_wabauth', PAST],
  ['test_syslog_with_timezone', AHEAD], ['test_syslog_with_timezone', AHEAD], ['test_syslog_with_timezone', AHEAD],
];

/** Where a line names its zone, our definitions keep it, and theirs drop it. */
const ZONE = /[+-]\d{2}:\d{2}$/;

/** What the sample lines are read at: a day far from the turn of the year. */
const NOW_MS = Date.UTC(2026, 10, 22, 12, 0, 0);

interface Sample {
  readonly test: string;
  readonly line: string;
  readonly zone: string | null;
  readonly expected: Readonly<Record<string, readonly [type: string, text: string]>>;
  readonly absent: readonly string[];
}

describe('PyLogsParser’s own definitions', function suite() {
  this.timeout(60_000);

  describe('their examples', () => {
    let report: ExampleReport;

    before(async () => {
      report = checkExamples(definitionSetOf(await pylogsparserFiles()));
    });

    it('are all there: 38 normalizers load', () => {
      const { normalizers, patterns, examples, expectedTags } = report;
      expect({ normalizers, patterns, examples, expectedTags })
        .to.deep.equal({ normalizers: 38, patterns: 148, examples: 189, expectedTags: 1493 });
    });

    it('match on their own pattern, with every expected tag equal', () => {
      const unexplained = report.failures.filter(({ normalizer, problem }) => (
        !(`${normalizer} ${/^the tag "([^"]*)"/.exec(problem)?.[1] ?? ''}` in EXAMPLES_THAT_DIFFER)));
      expect(unexplained).to.deep.equal([]);
      expect(report.failures.length).to.equal(2);
      expect(report.equal).to.equal(1491);
    });
  });

  describe('the sample lines of their test suite', () => {
    let samples: readonly Sample[];

    before(async () => {
      samples = await readSamples();
    });

    it('are all there', () => {
      expect(samples.length).to.equal(82);
      expect(new Set(samples.map(({ test }) => test)).size).to.equal(28);
    });

    it('get the asserted tags from the chain of their definitions', async () => {
      const { wrong, years } = judge(samples, await pylogsparserChain());
      expect(wrong).to.deep.equal([]);
      expect(years).to.deep.equal(YEARS_THAT_DIFFER.map(([test]) => test));
    });

    it('get no tag less when our definitions run beside theirs', async () => {
      const { wrong } = judge(samples, createNormaliser(await loadDefinitions(join(pylogsparserFolder, 'normalizers'))));
      expect(wrong).to.deep.equal([]);
    });
  });

  it('are refused when a callback was edited, and told apart from callbacks that nobody knows', () => {
    const xml = readFileSync(join(pylogsparserFolder, 'normalizers', 'postfix.xml'), 'utf8');
    const load = (text: string) => () => createNormaliser(definitionSetOf([{ name: 'postfix.xml', xml: text }]));
    expect(load(xml)).not.to.throw();
    expect(load(xml.replace('"orig_to",\n', '"orig_to", "nrcpt",\n')))
      .to.throw(/postfix\.xml:\d+: <callback>: the code of callback "decode_postfix_key_value" differs from the known one/);
    expect(load(xml.replaceAll('decode_postfix_key_value', 'decode_mine').replace('"orig_to",\n', '')))
      .to.throw(/postfix\.xml:\d+: <callback>: the callback "decode_mine" is not known/);
    expect(load(xml.replace('<callback>decode_postfix_key_value', '<callback>decode_nothing')))
      .to.throw(/postfix\.xml:\d+: <callback>: the callback "decode_nothing" is not defined/);
  });
});

async function readSamples(): Promise<readonly Sample[]> {
  const python = join(checkout, 'venv', 'bin', 'python');
  const script = join(checkout, 'tests', 'support', 'pylogsparser', 'read_samples.py');
  const { code, stdout, stderr } = await run(python, ['-B', script, pylogsparserFolder, String(NOW_MS / 1_000)]);
  expect(code, stderr).to.equal(0);
  return stdout.trim().split('\n').map((line) => JSON.parse(line) as Sample);
}

function judge(samples: readonly Sample[], chain: NormaliserChain): {
  readonly wrong: readonly string[]; readonly years: readonly string[];
} {
  const wrong: string[] = [];
  const years: string[] = [];
  for (const sample of samples) {
    const { tags } = ourOutcome(chain, sample.line, { receivedMs: NOW_MS, timeZone: sample.zone ?? 'UTC' });
    for (const [tag, [type, text]] of Object.entries(sample.expected)) {
      const asserted: PrintedTag = type === 'i' ? ['n', text] : [type, text];
      const found = tags[tag];
      if (found?.[0] === asserted[0] && found[1] === asserted[1]) continue;
      if (tag === 'date' && isOtherYear(asserted[1], found?.[1])) years.push(sample.test);
      else if (tag !== 'date' || found?.[1].replace(ZONE, '') !== asserted[1]) wrong.push(`${sample.test}: ${tag} should be ${text} and is ${found?.[1] ?? 'absent'}: ${sample.line}`);
    }
    wrong.push(...sample.absent.filter((tag) => tag in tags).map((tag) => `${sample.test}: ${tag} is there: ${sample.line}`));
  }
  return { wrong, years };
}

function isOtherYear(asserted: string, found: string | undefined): boolean {
  return found !== undefined && found.slice(4) === asserted.slice(4) && found !== asserted;
}
