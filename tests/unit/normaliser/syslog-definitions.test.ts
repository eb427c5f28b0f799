import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { definitionSetOf, readDefinitionFolder } from '../../../src/normaliser/definition-set';
import { checkExamples } from '../../../src/normaliser/example-checker';
import { createNormaliser } from '../../../src/normaliser/normaliser';
import type { DefinitionSet, Normaliser, Normalised, NormaliserInput } from '../../../src/normaliser/ports';

const ROOT = join(__dirname, '../../..');
const SAMPLES = join(ROOT, 'samples');
const RECEIVED_MS = Date.UTC(2026, 10, 22, 4);

function sampleLines(ending: string): readonly string[] {
  return readdirSync(SAMPLES).filter((name) => name.endsWith(ending))
    .flatMap((name) => readFileSync(join(SAMPLES, name), 'utf8').split('\n')).filter((line) => line !== '');
}

describe('our own definitions', () => {
  let set: DefinitionSet;
  let normaliser: Normaliser;

  before(async () => {
    set = definitionSetOf(await readDefinitionFolder(join(ROOT, 'normalizers')));
    normaliser = createNormaliser(set);
  });

  function run(text: string, more: Partial<NormaliserInput> = {}): Normalised {
    return normaliser.normalise({ text, receivedMs: RECEIVED_MS, timeZone: 'UTC', ...more });
  }

  it('give what their examples say, each on its own pattern', () => {
    const report = checkExamples(set);
    expect(report.failures).to.deep.equal([]);
    expect(report.examples).to.be.at.least(report.patterns);
    expect(report).to.include({ passed: report.examples, equal: report.expectedTags });
  });

  for (const [ending, pattern] of [['.rfc3164.log', 'syslog-2.0'], ['.rfc5424.log', 'syslog-rfc5424-1.0']] as const) {
    it(`find date, host and program in at least 99 % of the real lines in samples/*${ending}`, () => {
      const lines = sampleLines(ending);
      expect(lines.length).to.be.at.least(100);
      const missed = lines.filter((line) => {
        const { tags, dateMs, matched, body } = run(line);
        return dateMs === undefined || tags['program'] === undefined || tags['source'] === undefined || body === undefined
          || matched[0]?.normalizer !== pattern || !line.includes(body);
      });
      expect(missed.length, missed.slice(0, 5).join('\n')).to.be.at.most(lines.length / 100);
    });
  }

  describe('RFC 3164', () => {
    it('reads a line with everything, in the zone of its source', () => {
      const line = '<86>Nov 22 03:10:56 bastion sshd[4121]: session opened';
      expect(run(line, { timeZone: 'America/New_York' })).to.deep.equal({
        tags: { facility: 'secure', severity: 'info', facility_code: '10', severity_code: '6', source: 'bastion', program: 'sshd', pid: '4121' },
        dateMs: Date.UTC(2026, 10, 22, 8, 10, 56),
        matched: [{ normalizer: 'syslog-2.0', pattern: 'syslog-001' }],
        body: 'session opened',
      });
    });

    it('takes a year that is missing from the stored reception, never from the clock', () => {
      const year = (line: string, receivedMs: number): string | undefined => {
        const { dateMs } = run(line, { receivedMs });
        return dateMs === undefined ? undefined : new Date(dateMs).toISOString().slice(0, 10);
      };
      expect(year('Dec 31 23:59:59 h p: x', Date.UTC(2026, 0, 1, 0, 1))).to.equal('2025-12-31');
      expect(year('Jan  1 00:00:01 h p: x', Date.UTC(2025, 11, 31, 23, 59))).to.equal('2026-01-01');
      expect(year('Feb 29 12:00:00 h p: x', Date.UTC(1999, 5, 1))).to.equal('2000-02-29');
    });

    it('reads the dates of today’s daemons and routers', () => {
      const iso = (date: string, timeZone = 'Europe/Paris'): string | undefined => {
        const { dateMs } = run(`${date} h p: x`, { timeZone });
        return dateMs === undefined ? undefined : new Date(dateMs).toISOString();
      };
      expect(iso('2026-11-22T03:10:56.123456+01:00')).to.equal('2026-11-22T02:10:56.123Z');
      expect(iso('2026-11-22T03:10:56Z')).to.equal('2026-11-22T03:10:56.000Z');
      expect(iso('2026-11-22T03:10:56-0330')).to.equal('2026-11-22T06:40:56.000Z');
      expect(iso('2026-07-22 03:10:56')).to.equal('2026-07-22T01:10:56.000Z');
      expect(iso('Jul 22 2025 03:10:56')).to.equal('2025-07-22T01:10:56.000Z');
      expect(iso('Nov  2 03:10:56.789')).to.equal('2026-11-02T02:10:56.789Z');
    });

    it('reads a byte order mark, an empty message, a missing host and a missing program', () => {
      expect(run('\ufeff<13>Nov  2 03:10:56 h p: x').tags).to.include({ source: 'h', program: 'p', facility: 'user' });
      expect(run('Nov  2 03:10:56 h p:')).to.deep.include({ tags: { source: 'h', program: 'p' } });
      expect(run('Nov  2 03:10:56 p[1]: x').tags).to.deep.equal({ program: 'p', pid: '1' });
      expect(run('Nov  2 03:10:56 h -- MARK --')).to.deep.include({ tags: { source: 'h' }, body: '-- MARK --' });
    });

    it('leaves a line raw whose priority or date does not exist', () => {
      for (const line of ['<192>Nov  2 03:10:56 h p: x', '<999>Nov  2 03:10:56 h p: x', 'Foo  2 03:10:56 h p: x', 'Feb 30 03:10:56 h p: x',
        '2026-13-01T00:00:00Z h p: x', 'Nov  2 25:10:56 h p: x', '', ' ', 'hello', '<13>']) {
        expect(run(line), line).to.deep.equal({ tags: {}, dateMs: undefined, matched: [], body: undefined });
      }
    });
  });

  describe('RFC 5424', () => {
    it('reads the RFC’s own example 3', () => {
      const result = run('<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] \ufeffAn application event log entry...');
      expect(result).to.deep.equal({
        tags: {
          facility: 'local4', severity: 'notice', facility_code: '20', severity_code: '5', source: 'mymachine.example.com',
          program: 'evntslog', msgid: 'ID47', sd_exampleSDID_32473_iut: '3', sd_exampleSDID_32473_eventSource: 'Application',
          sd_exampleSDID_32473_eventID: '1011',
        },
        dateMs: Date.UTC(2003, 9, 11, 22, 14, 15, 3),
        matched: [{ normalizer: 'syslog-rfc5424-1.0', pattern: 'rfc5424-001' }],
        body: 'An application event log entry...',
      });
    });

    it('reads structured data with escapes, repeated parameters and elements without any', () => {
      expect(run('<13>1 - - - - - [a][b x="1" y="]\\]\\"\\\\n" x="2"][c-d@1 é="v"]').tags).to.deep.include({
        sd_a: 'true', sd_b_x: '1,2', sd_b_y: ']]"\\n', sd_c_d_1__: 'v',
      });
    });

    it('bounds the tags that one line can make', () => {
      const many = Array.from({ length: 500 }, (_, index) => ` p${index}="v"`).join('');
      expect(Object.keys(run(`<13>1 - - - - - [a${many}] x`).tags).length).to.be.within(64, 80);
    });
  });

  describe('any line', () => {
    const budgetMs = 250;
    const long = 32 * 1024;
    const hostile: readonly (readonly [string, string])[] = [
      ['NULs', '\0'.repeat(long)], ['spaces', ' '.repeat(long)], ['brackets', '['.repeat(long)], ['quotes', '"'.repeat(long)],
      ['one letter', 'a'.repeat(long)], ['colons', ':'.repeat(long)], ['replaced bytes', '\ufffd'.repeat(long)],
      ['lone surrogates', '\ud800'.repeat(long)], ['backslashes', '\\'.repeat(long)],
      ['a header and brackets', `<13>1 - - - - - ${'['.repeat(long)}`],
      ['a header and open elements', `<13>1 - - - - - ${'[a b="c" '.repeat(long / 9)}`],
      ['a header and quotes', `<13>1 - - - - - [a ${'b="\\"'.repeat(long / 6)}`],
      ['a header and elements', `<13>1 - - - - - ${'[a b="c"]'.repeat(long / 9)}!`],
      ['a date and one word', `Nov  2 03:10:56 ${'a'.repeat(long)}`], ['a date and colons', `Nov  2 03:10:56 ${':'.repeat(long)}`],
      ['a date and words', `Nov  2 03:10:56 ${'a '.repeat(long / 2)}`], ['a date and spaces', `Nov  2 03:10:56 ${' '.repeat(long)}`],
    ];
    for (const [what, line] of hostile) {
      it(`made of ${what} is read without an error and quickly`, () => {
        const start = performance.now();
        run(line);
        expect(performance.now() - start).to.be.below(budgetMs);
      });
    }

    it('gives the same twice, whatever bytes it is made of', () => {
      const real = [...sampleLines('.rfc3164.log'), ...sampleLines('.rfc5424.log')];
      let seed = 11;
      const next = (below: number): number => {
        seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
        return seed % below;
      };
      for (let round = 0; round < 2_000; round += 1) {
        const bytes = Buffer.from(real[next(real.length)] ?? '');
        for (let change = next(6); change > 0; change -= 1) bytes[next(bytes.length)] = next(256);
        const text = bytes.subarray(0, 1 + next(bytes.length)).toString('utf8');
        expect(run(text)).to.deep.equal(run(text));
      }
    });
  });
});
