import { expect } from 'chai';
import { RegexpSyntaxError, translatePythonRegexp } from '../../../src/normaliser/python-regexp';

function compile(regexp: string, unicode = true): RegExp {
  return new RegExp(translatePythonRegexp(regexp, { unicode }).source, 'u');
}

describe('translatePythonRegexp', () => {
  /** Regular expression, what it finds, what it does not find. */
  const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['^a.b$', ['a\rb', 'a\u2028b', 'axb\n'], ['a\nb', 'axb\n\n', 'axbc']],
    ['^\\d+$', ['12', '\u0663\uff15'], ['', 'x', '\u00b2']],
    ['^\\w+$', ['a_1', 'é', '\u4e2d', '\u00b2', '\u2167'], ['-', ' ', '\u203f']],
    ['^\\s+$', [' \t\n\r\f\v', '\x1c\x1f\x85\xa0', '\u180e\u3000'], ['\ufeff', 'a', '\u200b']],
    ['^[^\\s]+$', ['a\ufeff'], ['a\x85']],
    ['^[\\S]+$', ['aé\u{1f600}\u2010\ufeff'], ['a\x1d', 'a\u2009', 'a\u2028', 'a\u205f', 'a\u3000']],
    ['^[\\W]$', ['-', ' ', '\u203f', '\u0301'], ['a', '_', '9', '\u00b2']],
    ['^[\\D]$', ['a'], ['1', '\u0663']],
    ['^[^\\W_]$', ['a', '1'], ['_', '-']],
    ['^[\\s\\S]$', ['\n', 'a', '\u{1f600}'], ['']],
    ['^a{2}b{,2}c{1,}d{0,1}$', ['aac', 'aabbccd'], ['ac', 'aabbbc']],
    ['^{a}{}x{y$', ['{a}{}x{y'], []],
    ['^\\-\\"\\/\\<\\_$', ['-"/<_'], []],
    ['^[]a]+$', [']a]'], ['b']],
    ['^[^]a]+$', ['bc'], [']']],
    ['^[.-0-9a-zA-Z]+$', ['./0-9az'], [',', ':']],
    ['^[a\\-z]+$', ['a-z'], ['b']],
    ['^[a-]$', ['a', '-'], ['b']],
    ['^[&&--||~~(){}/[]+$', ['&-|~(){}/['], ['a']],
    ['^\\x41\\t\\n\\0\\07\\u0042$', ['A\t\n\0\x07B'], []],
    ['^(?P<a>x)|(?:y)|z$', ['x', 'y', 'z'], ['w']],
    ['(?<![.0-9])(?:\\d{1,3}.){3}\\d{1,3}(?![.0-9])', ['1.2.3.4', ' 10.0.0.1:'], ['1.2.3', '1.2.3.4.5.']],
    ['\\bfoo\\b', ['foo', 'a foo.', 'éa foo'], ['foob', 'éfoo', 'foo_']],
    ['o\\B', ['fob', 'oé'], ['fo ']],
    ['\\Aab\\Z', ['ab'], ['ab\n', ' ab']],
    ['a(?#never)b', ['ab'], ['a(b']],
    ['^.$', ['\u{1f600}'], []],
  ];
  for (const [regexp, found, missed] of rows) {
    it(`reads ${regexp} as Python does`, () => {
      const compiled = compile(regexp);
      for (const text of found) expect(compiled.test(text), JSON.stringify(text)).to.equal(true);
      for (const text of missed) expect(compiled.test(text), JSON.stringify(text)).to.equal(false);
    });
  }

  it('knows only ASCII without the unicode flag', () => {
    expect(compile('^\\w\\d\\s$', false).test('a1 ')).to.equal(true);
    for (const text of ['é1 ', 'a\u0663 ', 'a1\xa0']) expect(compile('^\\w\\d\\s$', false).test(text)).to.equal(false);
    for (const [inside, text] of [['\\W', 'é'], ['\\D', '\u0663'], ['\\S', '\xa0'], ['\\W', '`'], ['\\W', '[']] as const) {
      expect(compile(`^[${inside}]$`, false).test(text), inside).to.equal(true);
    }
    for (const [inside, text] of [['\\W', '_'], ['\\D', '5'], ['\\S', '\v'], ['\\W', 'Z']] as const) {
      expect(compile(`^[${inside}]$`, false).test(text), inside).to.equal(false);
    }
  });

  it('captures named groups only, in their order', () => {
    const { source, groups } = translatePythonRegexp('(a)(?P<one>b(c))(?=(d))(?P<two>d)?', { unicode: true });
    expect(groups).to.deep.equal(['one', 'two']);
    expect([...(new RegExp(source, 'u').exec('abcd') ?? [])]).to.deep.equal(['abcd', 'bc', 'd']);
  });

  const refused = ['(?P=a)', '(?i)a', '(?(1)a|b)', '(a)\\1', '[a', '(?P<a>b)(?P<a>c)', '(?P<1>b)', 'a\\', '[b-a]',
    '[\\d-z]', '\\xg1', '(?#a'];
  for (const regexp of refused) {
    it(`refuses ${regexp}`, () => {
      expect(() => translatePythonRegexp(regexp, { unicode: true })).to.throw(RegexpSyntaxError);
    });
  }
});
