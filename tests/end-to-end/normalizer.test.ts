import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '../support/cluster';
import { sharedCluster } from '../support/shared-cluster';
import { commandsOf, type Commands } from './support/commands';

interface Found {
  readonly id: string;
  readonly fileID: string;
  readonly message: string;
  readonly tags: Readonly<Record<string, string>>;
}

interface Added {
  readonly version: string;
  readonly added: readonly string[];
}

/** Lines `turnstile 12 opened by ana`, which no definition of the program knows. */
function definition(version: string, userTag: string): string {
  return `<normalizer name="e2e-turnstile" version="${version}" appliedTo="body"><patterns><pattern name="pass">
<text>turnstile NUMBER opened by WHO$</text>
<tags><tag name="turnstile" tagType="Integer"><substitute>NUMBER</substitute></tag>
<tag name="${userTag}"><substitute>WHO</substitute></tag></tags>
<examples><example><text>turnstile 12 opened by ana</text>
<expectedTags><expectedTag name="${userTag}">ana</expectedTag></expectedTags></example></examples>
</pattern></patterns></normalizer>`;
}

describe('resilog normalizer on a cluster', function () {
  this.timeout(600_000);
  let cluster: Cluster;
  let commands: Commands;
  let folder: string;

  before(async () => {
    cluster = await sharedCluster();
    commands = commandsOf(cluster);
    folder = await mkdtemp(join(tmpdir(), 'resilog-test-'));
    await commands.run('config', 'set', 'files.maxAgeMs=1000', 'consumer.hardCommitMs=2000');
    for (const name of ['turnstiles', 'strangers']) await commands.addSource(name);
  });

  after(async () => {
    await cluster.resilog(['normalizer', 'remove', 'e2e-turnstile']);
    await commands.run('config', 'reset', 'files.maxAgeMs', 'consumer.hardCommitMs');
    await rm(folder, { recursive: true, force: true });
  });

  async function file(name: string, content: string): Promise<string> {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  }

  /** Sends a line with a word of its own and gives what is indexed of it. */
  async function indexed(line: string): Promise<{ found: Found; definitions: string }> {
    await commands.run('send', await file('line', `${line}\n`), '--source', 'turnstiles');
    await commands.run('wait', '--verified', '--timeout', '120');
    const found = (await commands.ndjson<Found>('search', '*', '--source', 'turnstiles', '--all'))
      .find(({ message }) => message === line);
    if (found === undefined) throw new Error(`${line} was not found`);
    const { definitions } = await commands.json<{ definitions: string }>('file', 'show', found.fileID);
    return { found, definitions };
  }

  /** Like `indexed`, again until the tag is there or gone: a busy machine takes longer than two seconds. */
  async function indexedOnce(tag: string, isThere: boolean, number: number): ReturnType<typeof indexed> {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const result = await indexed(`turnstile ${number + attempt} opened by ana`);
      if (Object.hasOwn(result.found.tags, tag) === isThere) return result;
    }
    throw new Error(`the tag ${tag} ${isThere ? 'did not come' : 'did not go'}`);
  }

  it('a definition is live soon after it is added: files that close later have its tags and its version', async () => {
    const before = await indexed('turnstile 1 opened by ana');
    expect(before.found.tags).to.not.have.property('turnstile');
    const path = await file('turnstile.xml', definition('1.0', 'user'));
    const added = await commands.json<Added>('normalizer', 'add', path);
    expect(added.added).to.deep.equal(['user/turnstile.xml']);
    const after = await indexedOnce('turnstile', true, 100);
    expect(after.found.tags).to.include({ user: 'ana', turnstile: after.found.message.split(' ')[1] });
    expect(after.definitions).to.not.equal(before.definitions);
    // The document names the version that its tags come from.
    const named = await commands.ndjson<Found>('search', `definitions:${after.definitions}`, '--source', 'turnstiles', '--all');
    expect(named.map(({ id }) => id)).to.deep.equal([after.found.id]);
    // What was indexed before stays as it was.
    const former = await commands.ndjson<Found>('search', 'normalizers:e2e*', '--source', 'turnstiles', '--all');
    expect(former.map(({ id }) => id)).to.deep.equal([after.found.id]);
    const listed = await commands.ndjson<{ normalizer: string }>('normalizer', 'list');
    expect(listed.map(({ normalizer }) => normalizer)).to.include('e2e-turnstile-1.0');
  });

  it('another version of it replaces it, and without it the set is the one from before', async () => {
    const first = await indexed('turnstile 3 opened by ana');
    await commands.run('normalizer', 'add', await file('turnstile.xml', definition('1.1', 'visitor')));
    const second = await indexedOnce('visitor', true, 200);
    expect(second.found.tags).to.include({ visitor: 'ana' });
    expect(second.definitions).to.not.equal(first.definitions);
    await commands.run('normalizer', 'remove', 'e2e-turnstile');
    const third = await indexedOnce('visitor', false, 300);
    expect(third.found.tags).to.not.have.property('turnstile');
  });

  it('a definition whose example fails is refused with 65, and nothing changes', async () => {
    const before = await commands.run('normalizer', 'list', '--all', '--json');
    const wrong = definition('2.0', 'user').replace('">ana<', '">bob<');
    const refused = await cluster.resilog(['normalizer', 'add', await file('wrong.xml', wrong)]);
    expect(refused.code).to.equal(65);
    expect(refused.stdout).to.include('should be "bob" and is "ana"');
    expect(await commands.run('normalizer', 'list', '--all', '--json')).to.equal(before);
  });

  it('lines that no definition knows are grouped by shape', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `~~ ${i} of 192.0.2.${i} ~~`);
    await commands.run('send', await file('lines', `${lines.join('\n')}\nalone in its shape\n`), '--source', 'strangers');
    await commands.run('wait', '--verified', '--timeout', '120');
    const groups = await commands.ndjson<{ shape: string; lines: number }>('normalizer', 'unparsed', '--source', 'strangers');
    expect(groups.map(({ shape, lines: count }) => `${count} ${shape}`))
      .to.deep.equal(['30 ~~ <n> of <ip> ~~', '1 alone in its shape']);
  });
});
