import { expect } from 'chai';
import { decodeTagName, encodeTagName, isPlainNumber, readTag, storeTag } from '../../../src/index/fields';

describe('fields of tags', () => {
  it('give names and values back as they were', () => {
    const tags: readonly (readonly [string, string | number])[] = [
      ['user', 'root'], ['pid', '4711'], ['len', 12], ['used', 91.5], ['program', 'sshd'], ['source', 'bastion'],
      ['host', 'other'], ['severity', 4], ['odd $ name:é\u{1F600}', 'x'], ['n.x', 'y'], ['zip', '01234'], ['v', '1.10'],
      ['big', '12345678901234567890'], ['minus', '-5'], ['zero', '-0'], ['empty', ''], ['__proto__', 'p'],
    ];
    for (const [name, value] of tags) {
      const [field, stored] = storeTag(name, value);
      expect(readTag(field, stored), name).to.deep.equal([name, value]);
      expect(field).to.match(/^[A-Za-z0-9_.$-]+$/);
    }
  });

  it('keep plain numbers as numbers, so that ranges work', () => {
    expect(storeTag('pid', '4711')).to.deep.equal(['d.pid', 4711]);
    expect(['0', '-1', '1.5', '999999999999999'].every(isPlainNumber)).to.equal(true);
    expect(['', ' 1', '01', '1.0', '1e3', '+1', '-0', 'NaN', '0x1', '1234567890123456'].some(isPlainNumber)).to.equal(false);
  });

  it('cut what the index would refuse for its length', () => {
    expect(String(storeTag('x', 'é'.repeat(40_000))[1]).length).to.equal(8_000);
    expect(encodeTagName('n'.repeat(1_000)).length).to.equal(128);
    expect(decodeTagName(encodeTagName('a b'))).to.equal('a b');
  });

  it('read no tag from core fields', () => {
    expect(readTag('id', 'x')).to.equal(undefined);
    expect(readTag('s.x', ['a'])).to.equal(undefined);
  });
});
