import { expect } from 'chai';
import { storeTag } from '../../../src/index/fields';
import { membersOf, readMembers } from '../../../src/index/line-members';
import type { Tags } from '../../../src/normaliser/ports';
import { seededRandom } from '../../support/pylogsparser/mutated-lines';

const parsed = (tags: Tags): unknown => JSON.parse(`{${membersOf(tags, [])}}`);

/** What the members say, made by way of an object. */
function expected(tags: Tags): unknown {
  const fields = Object.entries(tags).map(([name, value]) => (
    storeTag(name, typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)));
  return { tags: Object.keys(tags), ...Object.fromEntries(fields) };
}

describe('what was found in a line, as members of a document', () => {
  it('is empty when nothing matched', () => {
    expect(membersOf({}, [])).to.equal('');
    expect(readMembers('')).to.deep.equal({ tags: {}, normalizers: [] });
  });

  it('names the normalizers that matched, also those that gave no tag', () => {
    expect(membersOf({}, ['a-1.0'])).to.equal('"normalizers":["a-1.0"]');
    const members = membersOf({ user: 'ana' }, ['a-1.0', 'odd "name"-2']);
    expect(members).to.equal('"normalizers":["a-1.0","odd \\"name\\"-2"],"tags":["user"],"s.user":"ana"');
    expect(readMembers(members)).to.deep.equal({ tags: { user: 'ana' }, normalizers: ['a-1.0', 'odd "name"-2'] });
  });

  it('keeps text, numbers and text that is a number apart', () => {
    const tags = { user: 'root', pid: '4711', len: 12, used: -91.5, program: '7', source: 'bastion', zip: '01234', v: '1.10' };
    expect(parsed(tags)).to.deep.equal({
      tags: ['user', 'pid', 'len', 'used', 'program', 'source', 'zip', 'v'],
      's.user': 'root', 'd.pid': 4711, 'n.len': 12, 'n.used': -91.5, program: '7', host: 'bastion', 's.zip': '01234', 's.v': '1.10',
    });
    expect(readMembers(membersOf(tags, [])).tags).to.deep.equal(tags);
  });

  it('is valid JSON whatever the tags are', () => {
    const odd = ['', '"', '\\', '\0\b\n\x1f\x7f', 'é', '\u2028', '\ud800', '\udfff', '😀', '-0', '0', '1e5', '1.0', '-1.5', '9'.repeat(16), '__proto__'];
    const values = [...odd, ...odd.map((text) => `a${text}b`), Number.NaN, -Number.NaN, Infinity, -Infinity, -0, 1e300, 5e-324];
    const random = seededRandom(7);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
    for (let count = 0; count < 20_000; count += 1) {
      const names = Array.from({ length: Math.floor(random() * 5) }, () => pick(['program', 'host', 'a', ...odd.slice(0, -1)]) + pick(['', 'x']));
      const tags = Object.fromEntries(names.map((name) => [name, pick(values)]));
      if (names.length > 0) expect(parsed(tags)).to.deep.equal(JSON.parse(JSON.stringify(expected(tags))));
    }
  });

  it('is as long as the index takes it, and has one of the names that it can not tell apart', () => {
    const long = 'n'.repeat(128);
    const members = membersOf({ [`${long}1`]: 'first', [`${long}2`]: 'second', [long]: 'third', n: 'é'.repeat(9_000) }, []);
    expect(members.split(`"s.${long}":`)).to.have.length(2);
    expect(readMembers(members).tags).to.deep.equal({ [long]: 'first', n: 'é'.repeat(8_000) });
  });

  it('comes out right after more names than are remembered', () => {
    for (let n = 0; n < 10_000; n += 1) {
      expect(membersOf({ [`name ${n}`]: 'x' }, [])).to.equal(`"tags":["name ${n}"],"s.name$20$${n}":"x"`);
    }
    expect(membersOf({ 'name 1': '1' }, [])).to.equal('"tags":["name 1"],"d.name$20$1":1');
  });
});
