import { expect } from 'chai';
import { InputError } from '../../../src/errors';
import { parseQuery } from '../../../src/index/query-language';
import { compileNode, compileQuery } from '../../../src/index/solr-query';

function problemOf(text: string): string {
  try {
    parseQuery(text);
  } catch (error) {
    expect(error, text).to.be.instanceOf(InputError);
    return (error as InputError).message;
  }
  throw new Error(`${text} was read`);
}

describe('query language', () => {
  it('joins neighbours by AND, which binds tighter than OR', () => {
    expect(parseQuery('a b OR c')).to.deep.equal({
      kind: 'or',
      parts: [
        {
          kind: 'and', parts: [
            { kind: 'words', words: ['a'], prefix: false }, { kind: 'words', words: ['b'], prefix: false },
          ],
        },
        { kind: 'words', words: ['c'], prefix: false },
      ],
    });
    expect(parseQuery('a && b || c')).to.deep.equal(parseQuery('a AND b OR c'));
    expect(parseQuery('+a +b')).to.deep.equal(parseQuery('a b'));
    expect(parseQuery('!a')).to.deep.equal(parseQuery('NOT a'));
    expect(parseQuery('user:(a OR "b c")')).to.deep.equal(parseQuery('user:a OR user:"b c"'));
  });

  it('takes only what looks like a name before a colon for a field', () => {
    expect(parseQuery('12:30:45')).to.deep.equal({ kind: 'words', words: ['12', '30', '45'], prefix: false });
    expect(parseQuery('http://a.b')).to.deep.equal({ kind: 'words', words: ['http', 'a', 'b'], prefix: false });
    expect(parseQuery('fe80::1')).to.deep.equal({ kind: 'words', words: ['fe80', '1'], prefix: false });
    expect(parseQuery('mac:aa:bb')).to.deep.equal({ kind: 'tag', names: ['mac'], value: 'aa:bb' });
    expect(parseQuery('a\\:b')).to.deep.equal({ kind: 'words', words: ['a', 'b'], prefix: false });
    expect(parseQuery('x:\\*')).to.deep.equal({ kind: 'tag', names: ['x'], value: '*' });
    expect(parseQuery('constructor:x')).to.deep.equal({ kind: 'tag', names: ['constructor'], value: 'x' });
  });

  it('keeps hyphens inside words, values and after a colon', () => {
    expect(parseQuery('a-b')).to.deep.equal({ kind: 'words', words: ['a', 'b'], prefix: false });
    expect(parseQuery('n:-5')).to.deep.equal({ kind: 'tag', names: ['n'], value: '-5' });
    // Not left out silently: with OR or in a deletion that would widen the query.
    expect(problemOf('a - b')).to.match(/no letter or digit to look for at character 3/);
  });

  it('spans days, minutes and zones', () => {
    const day = 24 * 3_600_000;
    const at = Date.UTC(2026, 10, 22);
    expect(parseQuery('date:2026-11-22')).to.deep.equal({ kind: 'dates', field: 'date', fromMs: at, toMs: at + day });
    expect(parseQuery('date:2026-11')).to.deep.equal({
      kind: 'dates', field: 'date', fromMs: Date.UTC(2026, 10, 1), toMs: Date.UTC(2026, 11, 1),
    });
    expect(parseQuery('date:2026-11-22T10:30')).to.deep.equal({
      kind: 'dates', field: 'date', fromMs: at + 37_800_000, toMs: at + 37_860_000,
    });
    expect(parseQuery('date:2026-11-22T01:00:00.25+01:00')).to.deep.equal({
      kind: 'dates', field: 'date', fromMs: at + 250, toMs: at + 260,
    });
    expect(parseQuery('received:[2026-11-20 TO 2026-11-22}')).to.deep.equal({
      kind: 'dates', field: 'received', fromMs: at - 2 * day, toMs: at,
    });
    expect(parseQuery('date:>2026-11-22')).to.deep.equal({ kind: 'dates', field: 'date', fromMs: at + day });
  });

  it('says what it can not read, and where', () => {
    const problems: readonly (readonly [string, RegExp])[] = [
      ['(a b', /parenthesis is not closed at character 1\b/],
      ['a b)', /closes nothing at character 4\b/],
      ['a "b c', /quote is not closed at character 3\b/],
      ['a AND', /missing at character 6\b/],
      ['OR a', /OR has nothing on its left at character 1\b/],
      ['a AND OR b', /OR has nothing on its left at character 7\b/],
      ['user:', /"user:" has no value at character 1\b/],
      ['a user: b', /"user:" has no value at character 3\b/],
      ['()', /missing before the parenthesis at character 2\b/],
      ['*foo', /only stand at the end of a word at character 1\b/],
      ['a ---', /no letter or digit/],
      ['date:soon', /"soon" is not a date .* at character 6\b/],
      ['date:2026-02-30', /is not a date/],
      ['line:x', /not the number of a line/],
      ['pid:[1 2]', /not of the form \[a TO b\] at character 5\b/],
      ['pid:[1 TO x]', /one end of the range is a number/],
      ['source:[a TO b]', /no ranges/],
      ['('.repeat(40) + 'a' + ')'.repeat(40), /nested too deeply/],
      ['NOT '.repeat(40) + 'a', /nested too deeply/],
      ['a '.repeat(300), /more than 256 terms/],
      ['a'.repeat(9_000), /longer than 8192 characters/],
    ];
    for (const [text, problem] of problems) expect(problemOf(text), text).to.match(problem);
  });

  it('never loops or crashes on any text', () => {
    const alphabet = ['a', '"', '(', ')', '[', ']', '{', '}', ':', '*', '\\', '-', ' ', 'AND', 'OR', 'NOT', 'TO', '1',
      '!', '+', '>', '=', 'é', '\u{1F600}', '\ud800', '\0', '{!func}', '_query_:', '/'];
    let seed = 1;
    const next = (bound: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % bound;
    };
    for (let round = 0; round < 5_000; round += 1) {
      const text = Array.from({ length: next(12) }, () => alphabet[next(alphabet.length)]).join('');
      try {
        const compiled = compileQuery({ text });
        expect(compiled.q).to.be.a('string');
      } catch (error) {
        expect(error, text).to.be.instanceOf(InputError);
      }
    }
  });
});

describe('queries in Solr syntax', () => {
  const compile = (text: string): string => compileNode(parseQuery(text));

  it('quotes and escapes every value', () => {
    expect(compile('user:"a\\"b\\\\"')).to.equal('s.user:"a\\"b\\\\"');
    expect(compile('user:"{!func}x"')).to.equal('s.user:"{!func}x"');
    expect(compile('{!term f=id}x')).to.equal('(+message:"term" +message:"f id x")');
    expect(compile('"x) OR id:*"')).to.equal('message:"x or id"');
    expect(compile('user:x{!y*')).to.equal('s.user:x\\{\\!y*');
  });

  it('starts with no local parameters, so that Solr chooses no other parser', () => {
    for (const text of ['', '*', '"{!lucene}"', 'a', '-a', 'source:x', 'a b*']) {
      expect(compileQuery({ text }).q).to.not.match(/^\s*\{!/);
    }
  });

  it('looks for numbers where numbers are kept', () => {
    expect(compile('port:22')).to.equal('(d.port:"22" OR n.port:"22")');
    expect(compile('port:022')).to.equal('(s.port:"022" OR n.port:"22")');
    expect(compile('severity:4')).to.equal('(severity:"4" OR n.severity:"4")');
    expect(compile('port:[1 TO 1023]')).to.equal('(d.port:["1" TO "1023"] OR n.port:["1" TO "1023"])');
    expect(compile('name:{a TO *]')).to.equal('s.name:{"a" TO *]');
  });
});
