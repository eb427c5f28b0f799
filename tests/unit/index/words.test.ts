import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { highlightsOf } from '../../../src/index/highlight';
import { wordsOf } from '../../../src/index/words';

describe('words', () => {
  const cut = (text: string): string[] => wordsOf(text).map(({ word }) => word);

  it('are addresses, or runs of letters, digits and underscores', () => {
    expect(cut('sshd[47]: Failed for a_b@192.0.2.7:22 via /usr/lib64')).to.deep.equal(
      ['sshd', '47', 'failed', 'for', 'a_b', '192.0.2.7', '22', 'via', 'usr', 'lib64']);
    expect(cut('1.2.3.4.5 1234.5.6.7 v1.2')).to.deep.equal(['1.2.3.4', '5', '1234', '5', '6', '7', 'v1', '2']);
    expect(cut('É日本 – “x”')).to.deep.equal(['é日本', 'x']);
    expect(cut('--- \0 \uFFFF')).to.deep.equal([]);
    expect(cut('x'.repeat(500))[0]?.length).to.equal(120);
  });

  it('are cut in the schema by the same pattern', () => {
    const schema = readFileSync(join(__dirname, '../../../solr/resilog/schema.xml'), 'utf8');
    expect(schema).to.include('[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9A-Za-z_');
    expect(schema).to.include('prefixLength="120"');
  });
});

describe('highlights', () => {
  const marked = (query: string, text: string): string[] =>
    highlightsOf(query, text).map(([start, end]) => text.slice(start, end));

  it('mark words, phrases, beginnings and values, but nothing that is excluded', () => {
    const text = 'Failed password for root from 192.0.2.7 port 22: Failed';
    expect(marked('failed "for root"', text)).to.deep.equal(['Failed', 'for root', 'Failed']);
    expect(marked('pass* source_ip:192.0.2.7', text)).to.deep.equal(['password', '192.0.2.7']);
    expect(marked('failed -root', text)).to.deep.equal(['Failed', 'Failed']);
    expect(marked('192.0.2.*', text)).to.deep.equal(['192.0.2.7']);
    expect(marked('"password for" "for root"', text)).to.deep.equal(['password for root']);
    expect(marked('', text)).to.deep.equal([]);
  });
});
