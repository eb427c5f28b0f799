import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigurationError } from '../../../src/errors';
import { definitionSetOf, readDefinitionFolder } from '../../../src/normaliser/definition-set';

describe('definitionSetOf', () => {
  const a = { name: 'a.xml', xml: '<a/>' };
  const b = { name: 'b.xml', xml: '<b/>' };

  it('gives a version of the contents, whatever the order', () => {
    const { version, files } = definitionSetOf([b, a]);
    expect(version).to.match(/^[0-9a-f]{16}$/);
    expect(files).to.deep.equal([a, b]);
    expect(definitionSetOf([a, b]).version).to.equal(version);
  });

  it('gives another version for any other name, content or division into files', () => {
    const sets = [[], [a], [a, b], [{ ...a, name: 'c.xml' }, b], [{ ...a, xml: '<c/>' }, b], [{ name: 'a.xml', xml: '<a/>b.xml<b/>' }]];
    expect(new Set(sets.map((files) => definitionSetOf(files).version)).size).to.equal(sets.length);
  });
});

describe('readDefinitionFolder', () => {
  it('reads all XML files below a folder and names them by their path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'definitions-'));
    try {
      await mkdir(join(folder, 'more'));
      await Promise.all([['z.xml', '<z/>'], ['more/y.xml', '<y/>'], ['readme.txt', 'no']].map(([name = '', text = '']) => (
        writeFile(join(folder, name), text))));
      expect(await readDefinitionFolder(folder)).to.deep.equal([{ name: 'more/y.xml', xml: '<y/>' }, { name: 'z.xml', xml: '<z/>' }]);
    } finally {
      await rm(folder, { recursive: true });
    }
    await readDefinitionFolder(folder).then(
      () => { throw new Error('it did not reject'); },
      (error: unknown) => { expect(error).to.be.instanceOf(ConfigurationError); },
    );
  });
});
