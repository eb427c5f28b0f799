import { expect } from 'chai';
import {
  lowerCase, pythonFloat, pythonInt, pythonIntOrNone, pythonLongOrNone, slice, strip, words,
} from '../../../src/normaliser/python-values';

/** What is expected here is what Python 2.7 prints. */
describe('values as Python 2 reads them', () => {
  it('are integers with white space around, a sign apart, and digits of any script', () => {
    const cases: readonly [string, number | undefined][] = [
      ['5', 5], [' +5 ', 5], ['-7', -7], ['- 5', -5], ['\u0665', 5], ['1\u{1d7d8}', 10], ['\u{1d7ff}', 9], ['5\x1f', 5],
      ['\u180e5', 5], ['007', 7], ['', undefined], ['-', undefined], ['5L', undefined], ['0x1f', undefined],
      ['5\0', undefined], ['  42', 42], ['42 ', 42], ['  ', undefined], ['4 2', undefined], ['999999999999999', 999_999_999_999_999],
      ['0000000000000042', 42], ['9007199254740993', 9_007_199_254_740_992], ['1.0', undefined], ['1_0', undefined], ['\ufeff5', undefined], ['²', undefined],
    ];
    for (const [text, value] of cases) expect(pythonIntOrNone(text), JSON.stringify(text)).to.equal(value);
    expect(pythonLongOrNone('-18446744073709551616')).to.equal(-18_446_744_073_709_551_616n);
    expect(() => pythonInt('x')).to.throw('"x" is no integer');
  });

  it('are finite floats', () => {
    expect(pythonFloat(' 1.5e3 ')).to.equal(1_500);
    expect(pythonFloat('.5')).to.equal(0.5);
    expect(pythonFloat('\u0661.\u0665')).to.equal(1.5);
    for (const text of ['', '.', 'nan', 'inf', '1e999', '- 5', '1,5']) {
      expect(() => pythonFloat(text), text).to.throw(/no number|out of range/);
    }
  });

  it('are split and stripped at Python’s white space, not JavaScript’s', () => {
    expect(words(' a\u180e b\x85c\x1cd\ufeffe\u200bf ')).to.deep.equal(['a', 'b', 'c', 'd\ufeffe\u200bf']);
    expect(words(' \t ')).to.deep.equal([]);
    expect(strip('\x1f\u00a0 a b\u2028\x1c')).to.equal('a b');
    expect(strip('\ufeffa')).to.equal('\ufeffa');
    expect(strip('<<a<b>>', '<>')).to.equal('a<b');
  });

  it('are sliced by characters, also those beyond U+FFFF', () => {
    expect(slice('abcdef', 1, -1)).to.equal('bcde');
    expect(slice('😀bc😀', 1, -1)).to.equal('bc');
    expect(slice('postfix😀', 8)).to.equal('');
  });

  it('are put in lower case character by character', () => {
    expect(lowerCase('ABC')).to.equal('abc');
    expect(lowerCase('ΟΔΟΣ')).to.equal('οδοσ');
    expect(lowerCase('İſK')).to.equal('iſk');
  });
});
