import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { InputError } from '../../../src/errors';
import { collectionStatus } from '../../../src/index/solr-cluster';
import { CONFIGSET_REVISION, readConfigset, uploadConfigset } from '../../../src/index/solr-configset';
import { createSolrIndex } from '../../../src/index/solr-index';
import { membersOf } from '../../../src/index/line-members';
import { aDocument } from '../../conformance/index/log-index-suite';
import { servers } from '../../support/servers';
import { configsetFolder, solrFixture, type SolrFixture } from '../../support/solr-collections';

describe('index in SolrCloud', function suite() {
  this.timeout(300_000);
  let fixture: SolrFixture;
  let collection: string;

  before(async () => {
    fixture = solrFixture((await servers()).solrUrl);
    collection = fixture.newCollection();
    await fixture.index.prepare(collection, { shards: 2, replicas: 1 });
  });

  after(async () => {
    await fixture.close();
  });

  it('says what to do about a phrase whose last word has more ends than Solr takes', async () => {
    const { index } = fixture;
    const file = '6'.repeat(24);
    const lines = Array.from({ length: 23 }, (_, line) => aDocument(file, line, {
      text: Array.from({ length: 3_000 }, (_word, number) => `end${String(3_000 * line + number)}`).join(' '),
    }));
    expect(await index.add(collection, lines)).to.deep.equal([]);
    await index.commit(collection, 'soft');
    const search = (text: string) => index.search([collection], { query: { text }, rows: 0 });
    const error = await search('end1.e*').then(() => undefined, (thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(InputError).with.property('remedy').that.contains('more letters');
    expect((await search('end1.end2*')).count).to.equal(1);
    await index.removeIds(collection, lines.map(({ id }) => id));
    await index.commit(collection, 'soft');
  });

  it('keeps all lines of a file in one shard and sums 100,000 of them exactly', async () => {
    const { index } = fixture;
    const file = '1'.repeat(24);
    // The last of the lines that a file can have, where squares are largest.
    const first = 2 ** 20 - 100_000;
    for (let from = 0; from < 100_000; from += 5_000) {
      const batch = Array.from({ length: 5_000 }, (_, i) => aDocument(file, first + from + i, { text: 'x' }));
      expect(await index.add(collection, batch)).to.deep.equal([]);
    }
    await index.commit(collection, 'hard');
    let lineSum = 0n;
    let lineSquareSum = 0n;
    for (let line = BigInt(first); line < 2n ** 20n; line += 1n) {
      lineSum += line;
      lineSquareSum += line * line;
    }
    const sums = await index.sums(collection, [file, '2'.repeat(24)]);
    expect(sums.get(file)).to.deep.equal({ count: 100_000, lineSum, lineSquareSum });
    expect(lineSquareSum > 2n ** 53n).to.equal(true);
    // One line instead of another: count and sum can agree, the squares tell.
    await index.removeIds(collection, [`${file}!${String(first)}`, `${file}!${String(first + 3)}`]);
    await index.add(collection, [aDocument(file, first - 1), aDocument(file, first + 4)]);
    await index.commit(collection, 'hard');
    expect((await index.sums(collection, [file])).get(file)?.lineSquareSum).to.not.equal(lineSquareSum);
    const ids: string[] = [];
    for await (const page of index.findIds([collection], { text: '', fileId: file })) ids.push(...page);
    expect(new Set(ids).size).to.equal(99_999);
    expect(ids.length).to.equal(99_999);
  });

  it('finds the documents that Solr refuses and takes all others', async () => {
    const { index } = fixture;
    const file = '3'.repeat(24);
    const batch = Array.from({ length: 50 }, (_, line) => aDocument(file, line, line === 7 || line === 40
      // A term above 32,766 bytes; texts of tags and messages are cut before, an id of ours never is so long.
      ? { sourceId: 'x'.repeat(40_000) } : {}));
    const refusals = await index.add(collection, batch);
    expect(refusals.map(({ id }) => id).sort()).to.deep.equal([`${file}!40`, `${file}!7`]);
    expect(refusals[0]?.reason).to.match(/immense term/);
    await index.commit(collection, 'soft');
    expect((await index.sums(collection, [file])).get(file)?.count).to.equal(48);
  });

  it('takes lines of any content', async () => {
    const { index } = fixture;
    const file = '4'.repeat(24);
    const texts = ['', '\0\u0001\uFFFF', '\ud800 lone', 'x'.repeat(32_768), '\u{1F600}'.repeat(8_000), '{"a":1}', '</doc>'];
    const refusals = await index.add(collection, texts.map((text, line) =>
      aDocument(file, line, { text, found: membersOf({ all: text, number: Number.NaN, ['k\0é'.repeat(99)]: text }, []) })));
    expect(refusals).to.deep.equal([]);
    await index.commit(collection, 'soft');
    expect((await index.search([collection], { query: { text: 'lone', fileId: file }, rows: 9 })).count).to.equal(1);
  });

  it('searches several collections as one', async () => {
    const { index } = fixture;
    const other = fixture.newCollection();
    await index.prepare(other, { shards: 1, replicas: 1 });
    await index.add(other, [aDocument('5'.repeat(24), 0, { source: 'both' })]);
    await index.add(collection, [aDocument('6'.repeat(24), 0, { source: 'both' })]);
    await index.commit(other, 'soft');
    await index.commit(collection, 'soft');
    const result = await index.search([collection, other], { query: { text: 'source:both' }, rows: 10, facets: ['source'] });
    expect(result.count).to.equal(2);
    expect(result.facets.source).to.deep.equal([{ value: 'both', count: 2 }]);
  });

  it('gives a collection the present configset, and mends one that was changed', async () => {
    const changed = await mkdtemp(join(tmpdir(), 'resilog-configset-'));
    try {
      await cp(configsetFolder, changed, { recursive: true });
      const schema = join(changed, 'schema.xml');
      await writeFile(schema, (await readFile(schema, 'utf8'))
        .replace('<dynamicField name="s.*"', '<dynamicField name="s.user" type="number"/><dynamicField name="s.*"')
        .replace('<dynamicField name="s.user"', '<field name="s.user"'));
      const broken = createSolrIndex({ client: fixture.client, clock: systemClock, configsetFolder: changed });
      const name = fixture.newCollection();
      await broken.prepare(name, { shards: 1, replicas: 1 });
      const line = aDocument('7'.repeat(24), 0, { found: membersOf({ user: 'root' }, []) });
      const [refusal] = await broken.add(name, [line]);
      expect(refusal?.reason).to.match(/root/);
      const before = await collectionStatus(fixture.client, name);
      await fixture.index.prepare(name, { shards: 1, replicas: 1 });
      expect((await collectionStatus(fixture.client, name))?.configset).to.not.equal(before?.configset);
      expect(await fixture.index.add(name, [line])).to.deep.equal([]);
    } finally {
      await rm(changed, { recursive: true });
    }
  });

  it('leaves the configset of a later program to a collection', async () => {
    const name = fixture.newCollection();
    const { files } = await readConfigset(configsetFolder);
    const later = `resilog-${String(CONFIGSET_REVISION + 1)}-0123456789ab`;
    await uploadConfigset(fixture.client, { name: later, files });
    await fixture.client.request({
      path: '/admin/collections', effect: 'write', timeoutMs: 60_000,
      query: { action: 'CREATE', name, numShards: '1', replicationFactor: '1', 'collection.configName': later },
    });
    await fixture.index.prepare(name, { shards: 1, replicas: 1 });
    expect((await collectionStatus(fixture.client, name))?.configset).to.equal(later);
  });

  it('prepares one collection from several processes at once', async () => {
    const name = fixture.newCollection();
    await Promise.all([1, 2, 3].map(() => fixture.index.prepare(name, { shards: 1, replicas: 1 })));
    expect((await collectionStatus(fixture.client, name))?.shards.length).to.equal(1);
  });

  it('tells a follower that differs from its leader to recover (schedule 49)', async () => {
    const { client, index } = fixture;
    const name = fixture.newCollection();
    await index.prepare(name, { shards: 1, replicas: 2 });
    const followers = async (): Promise<readonly { core: string; baseUrl: string; active: boolean; name: string }[]> =>
      (await collectionStatus(client, name))?.shards[0]?.replicas.filter(({ leader }) => !leader) ?? [];
    while (!(await followers()).some(({ active }) => active)) await systemClock.sleep(200);
    const file = '8'.repeat(24);
    await index.add(name, [0, 1, 2].map((line) => aDocument(file, line)));
    await index.commit(name, 'hard');
    expect(await index.recoverDifferingFollowers(name, [file])).to.deep.equal([]);
    const [follower] = await followers();
    if (follower === undefined) throw new Error('no follower');
    // As if the follower had missed an update: the deletion is applied to it alone.
    await client.request({
      baseUrl: follower.baseUrl, path: `/${follower.core}/update`, effect: 'write',
      query: { 'update.distrib': 'FROMLEADER', 'distrib.from': 'test', _version_: '-9000000000000000000' },
      body: { type: 'application/json', data: JSON.stringify({ delete: [`${file}!1`] }) },
    });
    await index.commit(name, 'hard');
    expect((await index.sums(name, [file])).get(file)?.count).to.equal(3);
    expect(await index.recoverDifferingFollowers(name, [file])).to.deep.equal([follower.name]);
    for (let i = 0; i < 100; i += 1) {
      if ((await followers()).every(({ active }) => active) &&
        (await index.recoverDifferingFollowers(name, [file])).length === 0) return;
      await systemClock.sleep(300);
    }
    throw new Error('the follower did not recover');
  });

  it('runs no syntax of Solr that a user writes', async () => {
    const { index } = fixture;
    for (const text of [
      '"{!join from=id to=id}*:*"', '_query_:"*:*"', '_val_:"1"', 'source:"x\\" OR *:*"', 'x:"\\\\\\" OR *:*"',
      'x:a\\)\\ OR\\ \\*\\:\\*', 'tag.\\*:x', 'source:"*"', 'NOTHING_LIKE_THIS{!func}',
    ]) {
      const count = await index.search([collection], { query: { text }, rows: 0 })
        .then((result) => result.count, () => 0);
      expect(count, text).to.equal(0);
    }
    for (const source of ['*', 'x OR *:*', '$q', '{!lucene}*:*', ' ', '"']) {
      const { count } = await index.search([collection], { query: { text: '', source }, rows: 0 });
      expect(count, source).to.equal(0);
    }
  });
});
