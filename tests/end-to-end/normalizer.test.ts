import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../support/cluster';
import { sharedCluster } from '../support/shared-cluster';
import { Stopwatch } from '../support/stopwatch';
import { fetchText, post } from './support/client';
import { type AddedSource, commandsOf, type Commands } from './support/commands';
import { bodyOf } from './support/samples';
import { until } from '../support/wait';

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
  let attackers: AddedSource;

  before(async () => {
    cluster = await sharedCluster();
    commands = commandsOf(cluster);
    folder = await mkdtemp(join(tmpdir(), 'resilog-test-'));
    await commands.run('config', 'set', 'files.maxAgeMs=1000', 'consumer.hardCommitMs=2000');
    for (const name of ['turnstiles', 'doors', 'strangers']) await commands.addSource(name);
    attackers = await commands.addSource('attackers');
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

  /** The version that each producer and consumer gives to files that it closes now. */
  async function versionsInForce(): Promise<readonly string[]> {
    const texts = await Promise.all([
      ...[51, 52].map((port) => fetchText(`https://[::1]:${cluster.basePort + port}/metrics`)),
      ...[71, 72].map((port) => fetchText(`http://[::1]:${cluster.basePort + port}/metrics`)),
    ]);
    return texts.map((text) => /^resilog_definitions_info\{version="(\w+)"\} 1$/m.exec(text)?.[1] ?? 'unknown');
  }

  it('a definition is live within two seconds after it is added: files that close later have its tags and its version', async () => {
    const before = await indexed('turnstile 1 opened by ana');
    expect(before.found.tags).to.not.have.property('turnstile');
    const former = await versionsInForce();
    const path = await file('turnstile.xml', definition('1.0', 'user'));
    const added = await commands.json<Added>('normalizer', 'add', path);
    await until('every producer and consumer uses it', 2_000, async () => (
      (await versionsInForce()).every((version, member) => version !== former[member])));
    expect(added.added).to.deep.equal(['user/turnstile.xml']);
    const after = await indexedOnce('turnstile', true, 100);
    expect(after.found.tags).to.include({ user: 'ana', turnstile: after.found.message.split(' ')[1] });
    expect(after.definitions).to.not.equal(before.definitions);
    // The document names the version that its tags come from.
    const named = await commands.ndjson<Found>('search', `definitions:${after.definitions}`, '--source', 'turnstiles', '--all');
    expect(named.map(({ id }) => id)).to.deep.equal([after.found.id]);
    expect(await versionsInForce()).to.deep.equal(Array(4).fill(after.definitions));
    // What was indexed before stays as it was.
    const unchanged = await commands.ndjson<Found>('search', 'normalizers:e2e*', '--source', 'turnstiles', '--all');
    expect(unchanged.map(({ id }) => id)).to.deep.equal([after.found.id]);
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

  it('a definition that takes for ever on some lines holds up no others', async () => {
    const count = 20_000;
    const timed = async (round: string): Promise<number> => {
      const lines = Array.from({ length: count }, (_, i) => `door ${i} of ${round} opened`);
      const stopwatch = new Stopwatch();
      await commands.run('send', await file('doors', `${lines.join('\n')}\n`), '--source', 'doors');
      await until(`all lines of ${round} are found`, 300_000, async () => (
        (await commands.json<{ count: number }>('search', round, '--source', 'doors', '--count')).count === count));
      return stopwatch.ms;
    };
    const calmMs = await timed('calm');
    // Exponential on a run of `a` that no `b` ends.
    const run = `<normalizer name="e2e-run" version="1.0" appliedTo="body"><tagTypes><tagType name="Run">
<regexp>(?:a+)+b</regexp></tagType></tagTypes><patterns><pattern name="run"><text>RUN</text>
<tags><tag name="e2e_run" tagType="Run"><substitute>RUN</substitute></tag></tags></pattern></patterns></normalizer>`;
    const before = await versionsInForce();
    await commands.run('normalizer', 'add', await file('run.xml', run));
    try {
      await until('every process uses it', 10_000, async () => (
        (await versionsInForce()).every((version, member) => version !== before[member])));
      // Again and again, so that both consumers get some, all through the round.
      const hostile = bodyOf(Array<string>(10).fill('a'.repeat(60)));
      let going = true;
      const attack = (async (): Promise<number> => {
        let sent = 0;
        for (let url = 0; going; url = 1 - url) {
          const answer = await post(attackers.urls[url] ?? '', hostile);
          if (answer.status === 200) sent += 10;
          await sleep(200);
        }
        return sent;
      })();
      const stormyMs = await timed('stormy').finally(() => { going = false; });
      const attacked = await attack;
      if (process.env.RESILOG_TEST_FIGURES !== undefined) process.stderr.write(`${calmMs} ms, with it ${stormyMs} ms\n`);
      // Half of the throughput for ten seconds is what it may cost.
      expect(stormyMs).to.be.lessThan(calmMs * 2 + 10_000);
      await commands.run('wait', '--verified', '--timeout', '120');
      const search = ['search', 'a'.repeat(60), '--source', 'attackers', '--count'] as const;
      expect((await commands.json<{ count: number }>(...search)).count, 'hostile lines are indexed, too').to.equal(attacked);
      const consumers = [71, 72].map((port) => fetchText(`http://[::1]:${cluster.basePort + port}/metrics`));
      expect((await Promise.all(consumers)).join('\n'))
        .to.match(/^resilog_normaliser_pattern_offences_total\{normalizer="e2e-run-1.0",pattern="run"\} [1-9]/m);
    } finally {
      await commands.run('normalizer', 'remove', 'e2e-run');
    }
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
