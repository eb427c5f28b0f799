import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../support/checkout';

const read = (name: string): string => readFileSync(join(checkout, name), 'utf8');
const pinned = (text: string, pattern: RegExp): Map<string, string> =>
  new Map([...text.matchAll(pattern)].map((match) => [match[1]?.toLowerCase() ?? '', match[2] ?? '']));

describe('Python packages of the SlapOS release', () => {
  it('are those of the node that the tests build it with, where both have one', () => {
    const release = pinned(read('versions.cfg') + read('components/slapos/versions.cfg'), /^([\w.-]+) = (\S+)$/gm);
    const node = pinned(read('tests/slapos/requirements.txt'), /^([\w.-]+)==(\S+)$/gm);
    const both = [...node].filter(([name]) => release.has(name));
    expect(both.length).to.be.above(10);
    for (const [name, version] of both) expect(release.get(name), name).to.equal(version);
  });
});
