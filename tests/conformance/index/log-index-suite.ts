import { expect } from 'chai';
import { membersOf, readMembers } from '../../../src/index/line-members';
import { InputError, NotFoundError } from '../../../src/errors';
import type { IndexDocument, LogIndex, SearchRequest } from '../../../src/index/ports';

export interface LogIndexUnderTest {
  readonly index: LogIndex;
  /** A collection that is prepared and empty, of this suite's own. */
  readonly collection: string;
}

const FILE_A = 'a'.repeat(24);
const FILE_B = 'b'.repeat(24);
const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);

export function aDocument(fileId: string, line: number, changes: Partial<IndexDocument> = {}): IndexDocument {
  return {
    id: `${fileId}!${String(line)}`, fileId, line, sourceId: 'id-web', source: 'web', dateMs: NOON + line * 1_000,
    receivedMs: NOON + 60_000 + line, text: 'nothing in particular', truncated: false, found: '',
    definitions: 'v1', ...changes,
  };
}

const SSHD = 'Nov 22 12:00:01 bastion sshd[4711]: Failed password for invalid user Émile from 192.0.2.77 port 50022';
const SQUID = '1353585600.000 12 2001:db8::1 TCP_MISS/200 4512 GET http://www.example.com/path/to?q=a-b - DIRECT/-';

const DOCUMENTS: readonly IndexDocument[] = [
  aDocument(FILE_A, 0, {
    text: SSHD,
    found: membersOf({
      program: 'sshd', source: 'bastion', severity: 'info', user: 'Émile', source_ip: '192.0.2.77', pid: '4711',
      action: 'fail',
    }, ['syslog-1.0', 'sshd-1.0']),
  }),
  aDocument(FILE_A, 1, {
    text: SQUID, source: 'proxy', sourceId: 'id-proxy',
    found: membersOf({
      program: 'squid', url: 'http://www.example.com/path/to?q=a-b', len: '4512', source_ip: '2001:db8::1',
      method: 'GET', elapsed: 12,
    }, ['squid-0.9']),
  }),
  aDocument(FILE_A, 2, { text: 'disk 0x3f is 91% full (warning)', found: membersOf({ severity: 'warning', used: 91.5 }, []) }),
  aDocument(FILE_A, 10, { text: 'session opened for user root by uid=0', found: membersOf({ user: 'root', pid: '47' }, []) }),
  aDocument(FILE_B, 0, { text: 'session closed for user root', found: membersOf({ user: 'root', 'odd name:é': 'x "y" \\z' }, []) }),
  aDocument(FILE_B, 1, { text: 'a b a c', truncated: true, found: membersOf({ host: 'other', user: '007', version: '1.10' }, []) }),
];

/** Queries and the documents that they find, by their place in DOCUMENTS. */
const QUERIES: readonly (readonly [text: string, found: readonly number[]])[] = [
  ['', [0, 1, 2, 3, 4, 5]],
  ['*', [0, 1, 2, 3, 4, 5]],
  ['failed PASSWORD', [0]],
  ['"failed password"', [0]],
  ['"password failed"', []],
  ['émile', [0]],
  ['192.0.2.77', [0]],
  ['192.0.2', []],
  ['192.0.2.*', [0]],
  ['192.0.2.7', []],
  ['sshd[4711]:', [0]],
  ['http://www.example.com/path/to?q=a-b', [1]],
  ['www.exam*', [1]],
  ['/path/to', [1]],
  ['2001:db8::1', [1]],
  ['sess*', [3, 4]],
  ['"a b a"', [5]],
  ['"a c"', [5]],
  ['"b c"', []],
  ['session AND NOT opened', [4]],
  ['session -opened', [4]],
  ['opened OR closed', [3, 4]],
  ['session (opened OR closed) root', [3, 4]],
  ['password OR session opened', [0, 3]],
  ['NOT session', [0, 1, 2, 5]],
  ['NOT (session OR password)', [1, 2, 5]],
  ['-session -password', [1, 2, 5]],
  ['NOT NOT session', [3, 4]],
  ['source:web', [0, 2, 3, 4, 5]],
  ['source:proxy', [1]],
  ['source:(proxy OR nobody)', [1]],
  ['source:pro*', [1]],
  ['tag.source:bastion', [0]],
  ['host:bastion', [0]],
  ['host:other', [5]],
  ['program:sshd password', [0]],
  ['source_ip:192.0.2.77', [0]],
  ['source_ip:192.0.2.*', [0]],
  ['source_ip:"2001:db8::1"', [1]],
  ['source_ip:[192.0.2.0 TO 192.0.2.99]', [0]],
  ['user:root', [3, 4]],
  ['user:Root', []],
  ['user:*', [0, 3, 4, 5]],
  ['user:007', [5]],
  ['user:7', []],
  ['tags:user', [0, 3, 4, 5]],
  ['-user:*', [1, 2]],
  ['pid:4711', [0]],
  ['pid:47*', [0, 3]],
  ['pid:[40 TO 100]', [3]],
  ['pid:>47', [0]],
  ['pid:>=47', [0, 3]],
  ['pid:{47 TO 4711}', []],
  ['len:4512', [1]],
  ['elapsed:12', [1]],
  ['elapsed:12.0', [1]],
  ['elapsed:<=12', [1]],
  ['used:[91 TO 92]', [2]],
  ['used:91*', [2]],
  ['version:1.10', [5]],
  ['version:1.1', []],
  ['url:*example*', [1]],
  ['url:"http://www.example.com/path/to?q=a-b"', [1]],
  ['user:{a TO z}', [3, 4]],
  ['severity:warning', [2]],
  ['line:[1 TO 2]', [1, 2, 5]],
  [`id:"${FILE_A}!10"`, [3]],
  [`fileID:${FILE_B}`, [4, 5]],
  ['date:"2026-11-22T12:00:01Z"', [1, 5]],
  ['date:2026-11-22', [0, 1, 2, 3, 4, 5]],
  ['date:2026-11-21', []],
  ['date:["2026-11-22T12:00:02Z" TO *]', [2, 3]],
  ['date:{"2026-11-22T12:00:02Z" TO *]', [3]],
  ['received:<"2026-11-22T12:01:00.001Z"', [0, 4]],
  ['normalizers:sshd-1.0', [0]],
  ['truncated:true', [5]],
  ['user:NOT', []],
  // What would be syntax to Solr is text to us.
  ['"{!term f=source}web"', []],
  ['source:"x\\" OR source:web"', []],
  ['_query_:web', []],
  ['_val_:"ord(line)"', []],
];

/** What every LogIndex has to do. */
export function describeLogIndex(name: string, make: () => Promise<LogIndexUnderTest>): void {
  describe(`LogIndex: ${name}`, () => {
    let index: LogIndex;
    let collection: string;

    const found = async (text: string, more: Partial<SearchRequest> = {}): Promise<readonly string[]> => {
      const result = await index.search([collection], { query: { text }, rows: 100, ...more });
      expect(result.count).to.equal(result.hits.length);
      return result.hits.map(({ id }) => id).sort();
    };
    const idsOf = (places: readonly number[]): string[] => places.map((place) => DOCUMENTS[place]?.id ?? '').sort();
    const collect = async (pages: AsyncIterable<readonly string[]>): Promise<string[]> => {
      const ids: string[] = [];
      for await (const page of pages) ids.push(...page);
      return ids;
    };

    before(async function prepare() {
      this.timeout(60_000);
      ({ index, collection } = await make());
      expect(await index.add(collection, DOCUMENTS)).to.deep.equal([]);
      await index.commit(collection, 'soft');
    });

    it('can be prepared again', async function again() {
      this.timeout(60_000);
      await index.prepare(collection, { shards: 1, replicas: 1 });
      expect((await found('')).length).to.equal(DOCUMENTS.length);
      await index.ping();
    });

    for (const [text, places] of QUERIES) {
      it(`finds ${JSON.stringify(places)} by ${text === '' ? 'an empty query' : text}`, async () => {
        expect(await found(text)).to.deep.equal(idsOf(places));
      });
    }

    it('combines filters with the text', async () => {
      const count = async (query: SearchRequest['query']): Promise<number> =>
        (await index.search([collection], { query, rows: 0 })).count;
      expect(await count({ text: 'session', source: 'web' })).to.equal(2);
      expect(await count({ text: 'session', source: 'proxy' })).to.equal(0);
      expect(await count({ text: '', sourceId: 'id-proxy' })).to.equal(1);
      expect(await count({ text: '', fileId: FILE_B })).to.equal(2);
      expect(await count({ text: '', fromMs: NOON + 1_000, toMs: NOON + 2_000 })).to.equal(2);
      expect(await count({ text: '', receivedThroughMs: NOON + 60_001 })).to.equal(4);
      expect(await count({ text: '', tags: [{ name: 'user', value: 'root' }, { name: 'pid', value: '47' }] })).to.equal(1);
      expect(await count({ text: '', tags: [{ name: 'odd name:é', value: 'x "y" \\z' }] })).to.equal(1);
      expect(await count({ text: '', source: 'web} OR *:*' })).to.equal(0);
    });

    it('gives core fields and every tag back as they were', async () => {
      const { hits } = await index.search([collection], {
        query: { text: '' }, rows: 100, sort: [{ field: 'id', order: 'asc' }],
      });
      const expected = [...DOCUMENTS].sort((a, b) => (a.id < b.id ? -1 : 1)).map((document) => ({
        id: document.id, fileID: document.fileId, line: document.line, source: document.source,
        date: document.dateMs, received: document.receivedMs, tags: readMembers(document.found).tags,
      }));
      expect(hits.map((hit) => ({ ...hit, date: Date.parse(hit.date), received: Date.parse(hit.received) })))
        .to.deep.equal(expected);
    });

    it('sorts by several fields and pages by cursor without gap or repetition', async () => {
      const request: SearchRequest = {
        query: { text: '' }, rows: 2, sort: [{ field: 'user', order: 'desc' }, { field: 'line', order: 'asc' }],
      };
      const lines: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await index.search([collection], { ...request, ...(cursor !== undefined && { cursor }) });
        expect(page.count).to.equal(6);
        lines.push(...page.hits.map(({ id }) => id));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(lines).to.deep.equal([0, 4, 3, 5, 1, 2].map((place) => DOCUMENTS[place]?.id));
    });

    it('puts the newest line first by default', async () => {
      const { hits } = await index.search([collection], { query: { text: '' }, rows: 2 });
      expect(hits.map(({ line }) => line)).to.deep.equal([10, 2]);
    });

    it('refuses the cursor of another search', async () => {
      const { cursor } = await index.search([collection], { query: { text: '' }, rows: 2 });
      expect(cursor).to.be.a('string');
      for (const wrong of [cursor ?? '', 'nonsense', '']) {
        const error = await index.search([collection], { query: { text: 'root' }, rows: 2, cursor: wrong })
          .then(() => undefined, (thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(InputError);
      }
    });

    it('counts facets', async () => {
      const { facets } = await index.search([collection], {
        query: { text: '' }, rows: 0, facets: ['user', 'source', 'host', 'tags', 'pid', 'elapsed'],
      });
      expect(facets.user).to.deep.equal([
        { value: 'root', count: 2 }, { value: '007', count: 1 }, { value: 'Émile', count: 1 },
      ]);
      expect(facets.source).to.deep.equal([{ value: 'web', count: 5 }, { value: 'proxy', count: 1 }]);
      expect(facets.host).to.deep.equal([{ value: 'bastion', count: 1 }, { value: 'other', count: 1 }]);
      expect(facets.tags?.[0]).to.deep.equal({ value: 'user', count: 4 });
      expect(facets.pid?.map(({ count }) => count)).to.deep.equal([1, 1]);
      expect(facets.elapsed?.map(({ value, count }) => [Number(value), count])).to.deep.equal([[12, 1]]);
    });

    it('lists all ids that match in order', async () => {
      expect(await collect(index.findIds([collection], { text: 'user:root' }))).to.deep.equal(idsOf([3, 4]));
      expect(await collect(index.findIds([collection], { text: 'user:nobody' }))).to.deep.equal([]);
      expect(await collect(index.findIds([], { text: '' }))).to.deep.equal([]);
    });

    it('sums exactly, and knows that a file is not there', async () => {
      const sums = await index.sums(collection, [FILE_A, 'c'.repeat(24)]);
      expect(sums.get(FILE_A)).to.deep.equal({ count: 4, lineSum: 13n, lineSquareSum: 105n });
      expect(sums.get('c'.repeat(24))).to.deep.equal({ count: 0, lineSum: 0n, lineSquareSum: 0n });
    });

    it('holds a document once however often it is added, and shows changes only after a commit', async () => {
      const file = 'd'.repeat(24);
      const lines = [0, 1, 2].map((line) => aDocument(file, line, { source: 'again' }));
      await index.add(collection, lines);
      await index.add(collection, lines);
      expect(await found('source:again')).to.deep.equal([]);
      await index.commit(collection, 'hard');
      expect((await found('source:again')).length).to.equal(3);
      await index.removeIds(collection, [`${file}!1`, `${file}!99`]);
      expect((await found('source:again')).length).to.equal(3);
      await index.commit(collection, 'soft');
      expect(await found('source:again')).to.deep.equal([`${file}!0`, `${file}!2`]);
      await index.removeIds(collection, [`${file}!0`, `${file}!2`]);
      await index.removeIds(collection, []);
      await index.commit(collection, 'soft');
      expect(await found('source:again')).to.deep.equal([]);
    });

    it('sums the longest file exactly, where floating point can not', async function sums() {
      this.timeout(120_000);
      const file = 'e'.repeat(24);
      const lines = [0, 1, 2 ** 19 + 1, 2 ** 20 - 3, 2 ** 20 - 2, 2 ** 20 - 1];
      await index.add(collection, lines.map((line) => aDocument(file, line)));
      await index.commit(collection, 'hard');
      const exact = lines.map(BigInt);
      expect((await index.sums(collection, [file])).get(file)).to.deep.equal({
        count: lines.length,
        lineSum: exact.reduce((sum, line) => sum + line, 0n),
        lineSquareSum: exact.reduce((sum, line) => sum + line * line, 0n),
      });
      await index.removeIds(collection, lines.map((line) => `${file}!${String(line)}`));
      await index.commit(collection, 'soft');
    });

    it('finds words whose lower case depends on the language, or on the place in the word', async () => {
      const texts = ['İşlem tamam', 'ΟΔΟΣ κλειστή'];
      const added = texts.map((text, line) => aDocument('0'.repeat(24), line, { text }));
      expect(await index.add(collection, added)).to.deep.equal([]);
      await index.commit(collection, 'soft');
      for (const [line, words] of [['İşlem', 'işlem', 'İŞLEM', '"İşlem tamam"'], ['ΟΔΟΣ', 'οδοσ', 'ΟΔΟΣ*']].entries()) {
        for (const word of words) expect(await found(word), word).to.deep.equal([added[line]?.id]);
      }
      await index.removeIds(collection, added.map(({ id }) => id));
      await index.commit(collection, 'soft');
    });

    it('finds what a query means in very many ways', async function many() {
      this.timeout(120_000);
      const words = Array.from({ length: 3_000 }, (_, index) => `w${String(index)}`);
      const texts = words.map((word, index) => `beginning ${word} of ${String(index)}`);
      const added = texts.map((text, line) => aDocument('1'.repeat(24), line, { text }));
      expect(await index.add(collection, added)).to.deep.equal([]);
      await index.commit(collection, 'soft');
      const count = async (text: string): Promise<number> => (
        (await index.search([collection], { query: { text }, rows: 0 })).count);
      expect(await count('beginning.w*'), 'a word with thousands of ends').to.equal(3_000);
      expect(await count('beginning.w2*')).to.equal(1_111);
      const most = Array.from({ length: 256 }, (_, index) => `used:${String(index + 1)}*`).join(' OR ');
      expect(await count(most), 'the most terms, of many numbers each').to.be.at.least(1);
      await index.removeIds(collection, added.map(({ id }) => id));
      await index.commit(collection, 'soft');
    });

    it('says that a collection is missing', async () => {
      for (const asked of [
        () => index.commit('no_such_collection', 'soft'), () => index.add('no_such_collection', DOCUMENTS),
      ]) {
        const error = await asked().then(() => undefined, (thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(NotFoundError);
      }
    });

    it('refuses a query that can not be read', async () => {
      const error = await index.search([collection], { query: { text: '(a' }, rows: 1 })
        .then(() => undefined, (thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(InputError);
    });
  });
}
