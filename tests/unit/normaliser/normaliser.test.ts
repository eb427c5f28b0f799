import { expect } from 'chai';
import { InputError } from '../../../src/errors';
import { DefinitionError } from '../../../src/normaliser/definition-error';
import { definitionSetOf } from '../../../src/normaliser/definition-set';
import { createNormaliser } from '../../../src/normaliser/normaliser';
import type { Normalised, NormaliserInput, Tags } from '../../../src/normaliser/ports';
import { escapeXml, normalizerXml, type TestDefinition } from './definitions';

type Run = (text: string, more?: Partial<NormaliserInput>) => Normalised;

function chain(...definitions: readonly TestDefinition[]): Run {
  return chainOf(definitions.map((definition) => normalizerXml(definition)));
}

function chainOf(xml: readonly string[]): Run {
  const normaliser = createNormaliser(definitionSetOf(xml.map((text, index) => ({ name: `${index}.xml`, xml: text }))));
  return (text, more) => normaliser.normalise({ text, receivedMs: Date.UTC(2026, 10, 22), timeZone: 'UTC', ...more });
}

function refused(...definitions: readonly TestDefinition[]): DefinitionError {
  try {
    chain(...definitions);
  } catch (error) {
    expect(error).to.be.instanceOf(DefinitionError);
    return error as DefinitionError;
  }
  throw new Error('it was not refused');
}

describe('createNormaliser', () => {
  describe('patterns', () => {
    it('tries them in the order of their names, by code point, and says which one matched', () => {
      const pattern = (name: string, text: string): string => `<pattern name="${name}"><text>${text}</text>
        <tags><tag name="${name.toLowerCase()}_tag"><substitute>REST</substitute></tag></tags></pattern>`;
      const run = chain({ text: 'zzz', tags: { ZZZ: 'z' }, morePatterns: pattern('p10', 'a REST') + pattern('P2', 'a bREST') + pattern('o', 'a bcREST') });
      expect(run('a bcd').matched).to.deep.equal([{ normalizer: 'test-1.0', pattern: 'P2' }]);
      expect(run('a bcd').tags).to.deep.equal({ p2_tag: 'cd' });
      expect(run('a xyz').matched).to.deep.equal([{ normalizer: 'test-1.0', pattern: 'p10' }]);
      expect(run('b').matched).to.deep.equal([]);
    });

    it('replaces the longest substitute first, in one pass', () => {
      const run = chain({ text: 'MACADDRESS ADDRESS MSGID Linked-MSGID', tags: { ADDRESS: '[0-9.]+', MACADDRESS: '[a-f:]+', MSGID: 'ADDRESS', 'Linked-MSGID': '\\w+' } });
      expect(run('a:b 1.2 ADDRESS x').tags).to.deep.equal({ macaddress: 'a:b', address: '1.2', msgid: 'ADDRESS', 'linked-msgid': 'x' });
    });

    it('anchors match at the start, and lets search find it anywhere', () => {
      const definition: TestDefinition = { text: 'NUMBER', tags: { NUMBER: '[0-9]+' } };
      expect(chain(definition)('a 1').matched).to.have.length(0);
      expect(chain(definition)('1 a').tags).to.deep.equal({ number: '1' });
      expect(chain({ ...definition, attributes: 'matchtype="search"' })('a 1').tags).to.deep.equal({ number: '1' });
    });

    it('ignores case unless told otherwise', () => {
      const definition: TestDefinition = { text: 'failed WHO', tags: { WHO: '[a-zà-ý]+' } };
      expect(chain(definition)('FAILED ÉA').tags).to.deep.equal({ who: 'ÉA' });
      expect(chain({ ...definition, attributes: 'ignorecase="no"' })('FAILED x').matched).to.have.length(0);
    });

    it('expands white space, ASCII only, where asked to', () => {
      const run = chain({ text: 'a  \n b\u00a0c REST', attributes: 'expandWhitespaces="yes"', tags: { REST: '.*' } });
      expect(run('a\t\tb\u00a0c\u3000d').tags).to.deep.equal({ rest: 'd' });
      expect(run('a b c d').matched).to.have.length(0);
    });

    it('leaves out tags whose group took no part, and takes unknown tag types as anything', () => {
      const xml = normalizerXml({ text: 'A(?:-B)?', tags: { A: '\\d', B: '\\d' } }).replace('tagType="TB"', 'tagType="NoSuch"');
      expect(chainOf([xml])('1').tags).to.deep.equal({ a: '1' });
      expect(chainOf([xml])('1-x y').tags).to.deep.equal({ a: '1', b: 'x y' });
    });

    it('takes tag types from common files, and its own before them', () => {
      const common = '<tagTypes><tagType name="TA"><regexp>never</regexp></tagType><tagType name="Shared"><regexp>[xy]+</regexp></tagType></tagTypes>';
      const xml = normalizerXml({ text: 'A B', tags: { A: '\\d+', B: 'z' } }).replace('tagType="TB"', 'tagType="Shared"');
      expect(chainOf([xml, common])('12 xyz').tags).to.deep.equal({ a: '12', b: 'xy' });
    });

    it('refuses what cannot be compiled and names the place', () => {
      expect(refused({ text: 'A(', tags: { A: 'x' } }).message).to.match(/0\.xml:\d+: <pattern>/);
      expect(refused({ text: 'A', tags: { A: '*' } }).message).to.contain('cannot be compiled');
      expect(refused({ text: 'A A', tags: { A: 'x' } }).message).to.contain('twice');
      expect(refused({ text: 'A', tags: { A: '(?P<own>x)' } }).message).to.contain('own');
      expect(refused({ tags: { A: 'x' } }, { tags: { A: 'x' } }).message).to.contain('also defined in 0.xml');
    });
  });

  describe('the chain', () => {
    const syslog: TestDefinition = { name: 'outer', text: 'PROGRAM: BODY', tags: { PROGRAM: '[a-z]+', BODY: '.*' } };

    it('runs raw, then body, then the rest, whatever the order of the files', () => {
      const run = chain(
        { name: 'url', appliedTo: 'url', text: 'http://HOST/', tags: { HOST: '[^/]+' } },
        { name: 'inner', appliedTo: 'body', text: 'GET URL', tags: { URL: '\\S+' } },
        syslog,
      );
      const result = run('web: GET http://x.org/');
      expect(result.matched.map(({ normalizer }) => normalizer)).to.deep.equal(['outer-1.0', 'inner-1.0', 'url-1.0']);
      expect(result.tags).to.deep.equal({ program: 'web', url: 'http://x.org/', host: 'x.org' });
      expect(result.body).to.equal('GET http://x.org/');
    });

    it('runs all of a group; a later match overwrites the tags of an earlier one', () => {
      const run = chain(syslog, { name: 'second', appliedTo: 'body', text: 'A', tags: { A: '.*' }, commonTags: { program: 'x', kind: 'second' } },
        { name: 'third', appliedTo: 'body', text: 'A', tags: { A: '..' }, commonTags: { kind: 'third' } });
      expect(run('web: abc').tags).to.deep.equal({ program: 'x', a: 'ab', kind: 'third' });
    });

    it('runs a normalizer only if all its prerequisites match at the start of their tags, in their case', () => {
      const run = chain(syslog, { name: 'inner', appliedTo: 'body', text: 'A', tags: { A: '.*' }, prerequisites: { program: 'post.+', missing: '^$' } });
      expect(run('postfix: x').matched).to.have.length(2);
      expect(run('post: x').matched).to.have.length(1);
      expect(run('xpostfix: x').matched).to.have.length(1);
    });

    it('sets common tags of the pattern, then of the normalizer, then the taxonomy', () => {
      const run = chainOf([normalizerXml({ text: 'A', tags: { A: '.' }, attributes: 'taxonomy="firewall"', commonTags: { x: 'normalizer', y: 'normalizer' } })
        .replace('</tags></pattern>', '</tags><commonTags><commonTag name="x">pattern</commonTag><commonTag name="a">pattern</commonTag></commonTags></pattern>')]);
      expect(run('q').tags).to.deep.equal({ a: 'pattern', x: 'normalizer', y: 'normalizer', taxonomy: 'firewall' });
    });
  });

  describe('callbacks', () => {
    it('run in their order on the matched value; private tags vanish after theirs', () => {
      const run = chain({
        text: '__A', tags: { __A: '.*' }, uses: { __A: ['up', 'low', 'mid'] },
        callbacks: { up: 'resilog: upper up', low: 'resilog: lower low', mid: 'resilog: slice mid 1 -1' },
      });
      expect(run('AbCd').tags).to.deep.equal({ up: 'ABCD', low: 'abcd', mid: 'bC' });
    });

    it('read tables, with or without case, with a value for all others', () => {
      const table = 'resilog: table meaning\n  1 = one\n  two words = x = y\n  * = other\n';
      const run = chain({ text: 'A', tags: { A: '.*' }, uses: { A: ['t', 'u'] }, callbacks: { t: table, u: 'resilog: table code ignorecase\nOK = 200' } });
      expect(run('1').tags).to.deep.equal({ a: '1', meaning: 'one' });
      expect(run('two words').tags).to.deep.equal({ a: 'two words', meaning: 'x = y' });
      expect(run('ok').tags).to.deep.equal({ a: 'ok', meaning: 'other', code: '200' });
    });

    it('read dates of a declared form, in the zone of the line or of the source', () => {
      const date = (format: string, text: string, timeZone = 'UTC'): string | undefined => {
        const { dateMs } = chain({ text: 'DATE', tags: { DATE: '.*' }, uses: { DATE: ['d'] }, callbacks: { d: `resilog: date ${format}` } })(text, { timeZone });
        return dateMs === undefined ? undefined : new Date(dateMs).toISOString();
      };
      expect(date('dd/MMM/YYYY:hh:mm:ss ZZZ', '22/Nov/2026:03:10:56 +0100')).to.equal('2026-11-22T02:10:56.000Z');
      expect(date('YYYY/MM/dd hh:mm:ss.SSS', '2026/1/2 03:04:05.67891', 'Asia/Tokyo')).to.equal('2026-01-01T18:04:05.678Z');
      expect(date('DDD MMM dd hh:mm', 'Tue Dec  1 23:59')).to.equal('2026-12-01T23:59:00.000Z');
      expect(date('dd.MM.YY', '31.12.25')).to.equal('2025-12-31T00:00:00.000Z');
      expect(date('dd.MM.YY', '31.02.25')).to.equal(undefined);
    });

    it('read key=value pairs into tags with a prefix', () => {
      const run = chain({ text: '__A', tags: { __A: '.*' }, uses: { __A: ['kv'] }, callbacks: { kv: 'resilog: keyvalues k_' } });
      expect(run('a=1 b-c="x \\"y\\"", d= e=é;f').tags).to.deep.equal({ k_a: '1', k_b_c: 'x "y"', k_e: 'é' });
    });

    it('that refuse a value drop all tags of their normalizer', () => {
      const run = chain({ name: 'outer', text: 'BODY', tags: { BODY: '.*' }, commonTags: { kept: 'yes' } },
        { name: 'inner', appliedTo: 'body', text: 'A B', tags: { A: '\\d+', B: '.*' }, uses: { B: ['d'] }, callbacks: { d: 'resilog: date YYYY-MM-dd' } });
      expect(run('1 2026-13-40').tags).to.deep.equal({ kept: 'yes' });
      expect(run('1 2026-11-12').tags).to.deep.equal({ kept: 'yes', a: '1', b: '2026-11-12' });
    });

    it('run at the end, with all tags there, when they are final', () => {
      const run = chain({ text: 'A', tags: { A: '.*' }, callbacks: { end: 'resilog: lower last' }, finalCallbacks: ['end'] });
      expect(run('X').tags).to.deep.equal({ a: 'X', last: '' });
    });

    it('that refuse at the end leave what was found, and end the chain', () => {
      const run = chain(
        { name: 'first', text: 'BODY', tags: { BODY: '.*' }, callbacks: { end: 'resilog: date YYYY-MM-dd' }, finalCallbacks: ['end'] },
        { name: 'second', text: 'REST', tags: { REST: '.*' } });
      expect(run('X')).to.deep.include({ matched: [{ normalizer: 'first-1.0', pattern: 'p1' }], tags: {}, body: 'X' });
    });

    it('are refused at load by name when unknown, or when their Python is not the known one', () => {
      const use = { text: 'A', tags: { A: 'x' }, uses: { A: ['mine'] } };
      expect(refused(use).message).to.contain('the callback "mine" is not defined');
      expect(refused({ ...use, callbacks: { mine: "log['a'] = __import__('os').getpid()" } }).message).to.contain('"mine" is not known');
      expect(refused({ ...use, name: 'syslog', uses: { A: ['decode_priority'] }, callbacks: { decode_priority: 'pass' } }).message)
        .to.contain('differs from the known one');
      for (const body of ['resilog: frobnicate', 'resilog: table', 'resilog: table t\nno pair', 'resilog: date hh', 'resilog: builtin nothing', 'resilog: slice a']) {
        expect(refused({ ...use, callbacks: { mine: body } }).message, body).to.contain('callback "mine"');
      }
    });
  });

  describe('csv patterns', () => {
    const csv = (text: string, tags: TestDefinition['tags'] = { N: '\\d+', WHO: '.*' }): ((line: string) => Tags) => {
      const run = chain({ text, tags, textAttributes: 'type="csv" separator="," quotechar="&quot;"', commonTags: { kind: 'csv' } });
      return (line) => run(line).tags;
    };

    it('map columns to tags, keep unmapped ones under their placeholder, drop empty values', () => {
      const run = csv('N, WHO ,REST,GONE');
      expect(run('7,"a, ""b""",c,')).to.deep.equal({ n: '7', who: 'a, "b"', REST: 'c', kind: 'csv' });
    });

    it('need the number of columns and the form of each tag', () => {
      const run = csv('N,WHO');
      expect(run('7,a,b')).to.deep.equal({});
      expect(run('x,a')).to.deep.equal({});
      expect(run('7x,a')).to.deep.equal({ n: '7x', who: 'a', kind: 'csv' });
    });
  });

  describe('results', () => {
    it('are the same for the same input, and never share anything', () => {
      const run = chain({ text: 'A B', tags: { A: '\\w+', B: '.*' } });
      const first = run('a b');
      (first.tags as Record<string, string>)['a'] = 'changed';
      expect(run('a b').tags).to.deep.equal({ a: 'a', b: 'b' });
    });

    it('refuse an unknown time zone instead of giving wrong dates', () => {
      expect(() => chain({ text: 'A', tags: { A: 'x' } })('x', { timeZone: 'Mars/Olympus' })).to.throw(InputError, /Mars/);
    });

    it('escape nothing twice', () => {
      expect(chain({ text: 'A', tags: { A: '.*' } })(escapeXml('<&>')).tags).to.deep.equal({ a: '&lt;&amp;&gt;' });
    });
  });
});
