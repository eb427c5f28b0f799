import { expect } from 'chai';
import { join } from 'node:path';
import { CONFIGSET_REVISION, readConfigset, replaces } from '../../../src/index/solr-configset';

/** Revision → the name of its configset. A released line is never changed. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'resilog-1-57be13fcaf28',
};

describe('the configset', () => {
  it('has a new revision whenever its files change', async () => {
    const { name, files } = await readConfigset(join(__dirname, '..', '..', '..', 'solr', 'resilog'));
    expect(files.map((file) => file.name)).to.include.members(['schema.xml', 'solrconfig.xml']);
    expect(name, 'increase CONFIGSET_REVISION, and add a line here').to.equal(NAMES[CONFIGSET_REVISION]);
  });

  it('replaces another of its revision and every earlier one, but none of a later program', () => {
    const present = 'resilog-10-0123456789ab';
    expect(replaces(present, present)).to.equal(false);
    expect(replaces(present, 'resilog-10-ba9876543210')).to.equal(true);
    expect(replaces(present, 'resilog-9-ba9876543210')).to.equal(true);
    expect(replaces(present, 'resilog-11-ba9876543210')).to.equal(false);
    for (const foreign of ['', 'broken', '_default', 'resilog-0123456789ab', 'resilog-99-']) {
      expect(replaces(present, foreign), foreign).to.equal(true);
    }
  });
});
