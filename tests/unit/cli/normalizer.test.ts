import { expect } from 'chai';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { addNormalizerCommand } from '../../../src/cli/commands/normalizer';
import type { CommandContext, Services } from '../../../src/cli/context';
import { createOutput } from '../../../src/cli/output';
import { createProgram, runProgram } from '../../../src/cli/program';
import { PermissionError } from '../../../src/errors';
import { MemoryIndex } from '../../../src/index/memory-index';
import { membersOf } from '../../../src/index/line-members';
import type { Hit, IndexDocument } from '../../../src/index/ports';
import { definitionSetOf } from '../../../src/normaliser/definition-set';
import type { DefinitionSet } from '../../../src/normaliser/ports';
import { memoryDefinitionStore } from '../../../src/normaliser/memory-definition-store';
import { shapeOf } from '../../../src/normaliser/line-shape';
import { type MemoryCoordination, MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { ManualClock } from '../../support/manual-clock';
import { escapeXml } from '../normaliser/definitions';

/** A definition for lines `order ID by USER`, with an example that expects `user`. */
function orderXml(user: string, attributes = 'name="shop" version="1.0"'): string {
  return `<normalizer ${attributes} appliedTo="raw"><patterns><pattern name="order"><text>order NUMBER by WHO$</text>
<tags><tag name="order_id" tagType="Integer"><substitute>NUMBER</substitute></tag>
<tag name="user"><substitute>WHO</substitute></tag></tags>
<examples><example><text>order 7 by ana</text><expectedTags><expectedTag name="user">${escapeXml(user)}</expectedTag>
</expectedTags></example></examples></pattern></patterns></normalizer>`;
}

const PROGRAM = definitionSetOf([
  { name: 'resilog/common_tagTypes.xml', xml: '<tagTypes><tagType name="Integer"><regexp>[0-9]+</regexp></tagType></tagTypes>' },
  { name: 'resilog/first.xml', xml: orderXml('ana', 'name="first" version="1.0"') },
]);

describe('resilog normalizer', () => {
  let folder: string;
  let coordination: MemoryCoordination;
  let index: MemoryIndex;
  let exitCode: number;
  let texts: readonly string[] = [];
  let program: DefinitionSet;
  const store = memoryDefinitionStore();
  const clock = new ManualClock();

  beforeEach(async () => {
    program = PROGRAM;
    folder = await mkdtemp(join(tmpdir(), 'resilog-test-'));
    coordination = new MemoryCoordinationServer({ clock }).connect();
    index = new MemoryIndex();
    await index.prepare('logs');
  });

  afterEach(async () => {
    await coordination.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const output = createOutput({ stdout, stderr, environment: {} });
    exitCode = 0;
    const services = {
      coordination: async () => coordination, volumes: async () => [{ definitions: store }], index: async () => index,
      programDefinitions: async () => program, collections: async () => ['logs'],
      withText: async (hits: readonly Hit[]) => hits.map((hit) => ({ ...hit, message: texts[hit.line] ?? '' })),
    } as unknown as Services;
    const context = {
      output, services, clock, signal: new AbortController().signal,
      setExitCode: (code: number) => { exitCode = code; },
    } as unknown as CommandContext;
    const code = await runProgram(createProgram('0', [addNormalizerCommand], context), ['normalizer', ...argv], output);
    return { code: code === 0 ? exitCode : code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
  }

  async function file(name: string, content: string): Promise<string> {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, content);
    return path;
  }

  describe('try', () => {
    it('prints line, matches and tags of each line as JSON, with the program\'s definitions', async () => {
      const lines = await file('lines', 'order 12 by bob\r\nsomething else\norder 13 by');
      const { code, out, err } = await run('try', lines, '--json');
      expect(code).to.equal(0);
      expect(out.trim().split('\n').map((line) => JSON.parse(line) as unknown)).to.deep.equal([
        { line: 'order 12 by bob', matched: [{ normalizer: 'first-1.0', pattern: 'order' }], tags: { order_id: '12', user: 'bob' } },
        { line: 'something else', matched: [], tags: {} },
        { line: 'order 13 by', matched: [], tags: {} },
      ]);
      expect(err).to.include('3 lines, 1 of them matched');
    });

    it('says in text what matched, the tags and the time, and what did not match', async () => {
      const { out } = await run('try', await file('lines', 'order 12 by b\u0007b\nelse\n'));
      expect(out).to.match(/^order 12 by b␇b\n {2}first-1\.0 \(order\) {2}\d+ µs\n {2}order_id {2}12\n {2}user {6}b␇b\n/);
      expect(out).to.include('else\n  nothing matched: the line would be indexed raw');
    });

    it('takes folders in the place of the program\'s definitions, and single files beside them', async () => {
      const lines = await file('lines', 'order 12 by bob\n');
      await file('own/deep/a.xml', orderXml('ana'));
      expect((await run('try', lines, '--json', '--definitions', join(folder, 'own'))).out).to.include('[{"normalizer":"shop-1.0"');
      const both = await run('try', lines, '--json', '--definition', join(folder, 'own/deep/a.xml'));
      expect(both.out).to.include('"normalizer":"first-1.0"').and.include('"normalizer":"shop-1.0"');
    });

    it('names what is wrong: a missing file with 66, a bad definition with 65 and its place, a bad zone with 64', async () => {
      expect(await run('try', join(folder, 'none'))).to.include({ code: 66 });
      const lines = await file('lines', 'x\n');
      const bad = await run('try', lines, '--definition', await file('bad.xml', '<normalizer name="a"/>'));
      expect(bad.code).to.equal(65);
      expect(bad.err).to.match(/user\/bad\.xml:1: <normalizer>: lacks.*\n {2}\S/);
      expect(await run('try', lines, '--definitions', join(folder, 'none'))).to.include({ code: 66 });
      expect(await run('try', lines, '--time-zone', 'Nowhere')).to.include({ code: 64 });
    });
  });

  describe('check', () => {
    it('counts what is there and ends with 0 when all is right', async () => {
      await file('normalizers/a.xml', orderXml('ana'));
      await file('normalizers/readme.txt', 'no definition');
      await file('common_tagTypes.xml', '<tagTypes><tagType name="Integer"><regexp>\\d+</regexp></tagType></tagTypes>');
      const { code, out } = await run('check', folder, '--json');
      expect(code).to.equal(0);
      expect(JSON.parse(out)).to.deep.equal({
        normalizers: 1, patterns: 1, examples: 1, passed: 1, expectedTags: 1, equal: 1, failures: [],
      });
      expect((await run('check', folder)).out)
        .to.equal('1 normalizers, 1 patterns: 1 of 1 examples right, 1 of 1 expected tags equal.\n');
    });

    it('reports everything that is wrong at once, each with file, line and remedy, and ends with 65', async () => {
      await file('a.xml', orderXml('bob'));
      await file('b.xml', '<normalizer');
      await file('c.xml', orderXml('ana', 'name="c" version="x"'));
      await file('d.xml', orderXml('ana').replace('</tag></tags>', '<callbacks><callback>nosuch</callback></callbacks></tag></tags>')
        .replace('"shop"', '"d"'));
      const { code, out } = await run('check', folder, '--json');
      expect(code).to.equal(65);
      interface Failure {
        readonly file: string;
        readonly line: number;
        readonly problem: string;
      }
      const { failures, ...counts } = JSON.parse(out) as { failures: readonly Failure[] };
      expect(counts).to.deep.equal({ normalizers: 1, patterns: 1, examples: 1, passed: 0, expectedTags: 1, equal: 0 });
      expect(failures.map((failure) => failure.file.slice(folder.length + 1)).sort()).to.deep.equal(['a.xml', 'b.xml', 'c.xml', 'd.xml']);
      for (const { line, problem } of failures) {
        expect(line).to.be.at.least(1);
        expect(problem).to.match(/\S/);
      }
      expect(failures.find((one) => one.file.endsWith('d.xml'))).to.include({ line: 3 });
      const text = await run('check', folder);
      expect(text).to.include({ code: 65 });
      expect(text.out).to.include('the tag "user" should be "bob" and is "ana"').and.include('c.xml:1: <normalizer>: has version="x"');
    });

    it('refuses a folder that holds none, with 64, and one that is not there, with 66', async () => {
      expect(await run('check', folder)).to.include({ code: 64 });
      expect(await run('check', join(folder, 'none'))).to.include({ code: 66 });
    });
  });

  describe('the users\' definitions', () => {
    it('are added, listed, shown, replaced and removed', async () => {
      const added = await run('add', await file('shop.xml', orderXml('ana')), '--json');
      expect(added, added.err).to.include({ code: 0 });
      const { version, added: names, report } = JSON.parse(added.out) as {
        version: string; added: string[]; report: { passed: number };
      };
      expect(version).to.match(/^[0-9a-f]{16}$/);
      expect({ names, passed: report.passed }).to.deep.equal({ names: ['user/shop.xml'], passed: 1 });
      expect((await run('list', '--json')).out.trim())
        .to.equal('{"normalizer":"shop-1.0","appliedTo":"raw","patterns":1,"file":"user/shop.xml"}');
      expect((await run('list', '--all')).out).to.include('first-1.0').and.include('shop-1.0');
      for (const name of ['shop', 'shop-1.0', 'shop.xml', 'user/shop.xml']) {
        expect((await run('show', name)).out.trim(), name).to.equal(orderXml('ana'));
      }
      await run('add', await file('shop.xml', orderXml('ana', 'name="shop" version="1.1"')));
      expect((await run('list')).out).to.include('shop-1.1').and.not.include('shop-1.0');
      expect((await run('remove', 'shop')).out).to.equal('Removed user/shop.xml.\n');
      expect((await run('list')).err).to.include('no definitions but the program\'s');
    });

    it('are refused when an example fails, with 65 and what failed, and nothing is changed', async () => {
      const { code, out, err } = await run('add', await file('shop.xml', orderXml('bob')));
      expect(code).to.equal(65);
      expect(out).to.include('should be "bob" and is "ana"');
      expect(err).to.include('refused').and.include('normalizer check');
      expect((await run('list', '--json')).out).to.equal('');
    });

    it('are added all or none', async () => {
      const good = await file('good.xml', orderXml('ana'));
      expect(await run('add', good, await file('bad.xml', '<x/>'))).to.include({ code: 65 });
      expect((await run('list', '--json')).out).to.equal('');
    });

    it('run instead of the program\'s of their name, and are refused beside another of the same name and version', async () => {
      const xml = orderXml('ana', 'name="first" version="1.0"');
      expect(await run('add', await file('own.xml', xml))).to.include({ code: 0 });
      const listed = (await run('list', '--all', '--json')).out.trim().split('\n');
      expect(listed.map((line) => (JSON.parse(line) as { file: string }).file)).to.deep.equal(['user/own.xml']);
      const twin = await run('add', await file('twin.xml', xml));
      expect(twin.code).to.equal(65);
      expect(twin.out + twin.err).to.include('"first-1.0" is also defined in user/own.xml');
      expect((await run('list', '--json')).out.trim().split('\n')).to.have.length(1);
    });

    it('are tested without being added', async () => {
      expect(await run('test', await file('shop.xml', orderXml('ana')))).to.include({ code: 0 });
      expect(await run('test', await file('shop.xml', orderXml('bob')))).to.include({ code: 65 });
      expect((await run('list', '--json')).out).to.equal('');
    });

    it('are not removed while others need them, nor when they are the program\'s', async () => {
      const common = await file('common.xml', '<callBacks><callback name="up"><code>resilog: upper user</code></callback></callBacks>');
      const uses = orderXml('ANA').replace('</substitute></tag></tags>',
        '</substitute><callbacks><callback>up</callback></callbacks></tag></tags>');
      expect(await run('add', common, await file('shop.xml', uses))).to.include({ code: 0 });
      const refused = await run('remove', 'common.xml');
      expect(refused.code).to.equal(65);
      expect(refused.err).to.include('"up" is not defined');
      expect(await run('remove', 'shop')).to.include({ code: 0 });
      expect(await run('remove', 'common.xml')).to.include({ code: 0 });
      expect(await run('remove', 'first')).to.include({ code: 66 });
      expect(await run('show', 'nothing')).to.include({ code: 66 });
    });

    it('are an administrator\'s to change, with 77 for others', async () => {
      coordination.set = async () => { throw new PermissionError('not allowed'); };
      expect(await run('add', await file('shop.xml', orderXml('ana')))).to.include({ code: 77 });
    });
  });

  describe('unparsed', () => {
    interface Line {
      readonly text: string;
      readonly source?: string;
      readonly normalizers?: readonly string[];
    }

    async function indexed(lines: readonly Line[]): Promise<void> {
      texts = lines.map(({ text }) => text);
      await index.add('logs', lines.map(({ text, source = 'web', normalizers = [] }, line): IndexDocument => ({
        id: `f!${line}`, fileId: 'f', line, sourceId: 's', source, dateMs: line, receivedMs: line, text, truncated: false,
        found: membersOf({}, normalizers), definitions: 'd',
      })));
      await index.commit('logs', 'hard');
    }

    it('groups raw lines by source and shape, the most frequent first, and leaves out the others', async () => {
      await indexed([
        { text: 'job 17 took 3 s from 192.0.2.7' }, { text: 'job 18 took 45 s from 192.0.2.19' },
        { text: 'job 1 took 2 s from 192.0.2.7', source: 'db' }, { text: 'ready' },
        { text: 'job 9 took 1 s from 192.0.2.7', normalizers: ['x-1.0'] },
      ]);
      const { code, out, err } = await run('unparsed', '--json');
      expect(code).to.equal(0);
      const groups = out.trim().split('\n').map((line) => JSON.parse(line) as { source: string; shape: string; lines: number });
      expect(groups[0]).to.include({ source: 'web', shape: 'job <n> took <n> s from <ip>', lines: 2 });
      expect(groups.map(({ source, lines }) => `${source} ${lines}`).sort()).to.deep.equal(['db 1', 'web 1', 'web 2']);
      expect(err).to.include('4 lines are unparsed, 4 were looked at').and.include('web: 3').and.include('db: 1');
      expect((await run('unparsed', '--source', 'db', '--json')).out.trim().split('\n')).to.have.length(1);
      expect((await run('unparsed')).out).to.match(/^2 {2}web {2}job <n> took <n> s from <ip>\n {2}e\.g\. job 1\d took/);
    });

    it('with --headers groups lines of which only the header is known by what follows it', async () => {
      program = definitionSetOf([...PROGRAM.files, {
        name: 'headers/head.xml',
        xml: `<normalizer name="head" version="1.0" appliedTo="raw"><patterns><pattern name="p"><text>HOST PROGRAM: BODY$</text>
<tags><tag name="program"><substitute>PROGRAM</substitute></tag><tag name="body"><substitute>BODY</substitute></tag>
<tag name="host"><substitute>HOST</substitute></tag></tags></pattern></patterns></normalizer>`,
      }]);
      await indexed([
        { text: 'alpha shopd: order 7 by ana', normalizers: ['head-1.0', 'first-1.0'] },
        { text: 'alpha shopd: cart 7 lost', normalizers: ['head-1.0'] },
        { text: 'beta shopd: cart 9 lost', normalizers: ['head-1.0'] },
        { text: 'ready' },
      ]);
      expect((await run('unparsed')).err).to.include('1 lines are unparsed');
      const { code, out, err } = await run('unparsed', '--headers', '--json');
      expect(code, err).to.equal(0);
      const groups = out.trim().split('\n').map((line) => JSON.parse(line) as { shape: string; lines: number });
      expect(groups.map(({ shape, lines }) => `${lines} ${shape}`)).to.deep.equal(['2 shopd: cart <n> lost', '1 ready']);
    });

    it('says that there are none', async () => {
      expect((await run('unparsed')).err).to.include('0 lines are unparsed');
    });
  });
});

describe('the shape of a line', () => {
  for (const [line, shape] of [
    ['a "quoted \\" text" 12.5 -3', 'a "…" <n>.<n> -<n>'],
    ['from 192.0.2.7:80 to 2001:db8::1 by 02:00:5e:10:00:14', 'from <ip>:<n> to <ip> by <mac>'],
    ['id 6f1c2d3e-0000-4000-8000-123456789abc at 0x7ffe12 of deadbeef01', 'id <uuid> at <hex> of <hex>'],
    ['added facade', 'added facade'],
    ['x'.repeat(5_000), `${'x'.repeat(199)}…`],
  ] as const) {
    it(`of ${line.slice(0, 40)}`, () => { expect(shapeOf(line)).to.equal(shape); });
  }
});
