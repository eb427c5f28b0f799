/**
 * What a field costs: loads the same documents of real lines into collections whose schemas differ in one point, in
 * turn, and prints one line of JSON a figure. `ts-node benchmarks/index-fields.ts http://[::1]:8983/solr [documents]`.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/clock';
import type { IndexDocument } from '../src/index/ports';
import { createSolrClient, type SolrClient } from '../src/index/solr-client';
import { prepareCollection, shardLeaders } from '../src/index/solr-cluster';
import { solrDocument } from '../src/index/solr-document';
import { membersOf, readMembers } from '../src/index/line-members';
import { definitionSetOf, readDefinitionFolder } from '../src/normaliser/definition-set';
import { createNormaliser } from '../src/normaliser/normaliser';

const checkout = join(__dirname, '..');
const BATCH = 5_000;
const ROUNDS = 3;

const VARIANTS: Readonly<Record<string, (schema: string) => string>> = {
  'as it is': (schema) => schema,
  'message stored too': (schema) => schema.replace(
    '<field name="message" type="text"/>', '<field name="message" type="text" stored="true"/>'),
  'tags without an inverted index': (schema) => schema.replace(
    /(<fieldType name="(?:tag|number)"[^>]*?) indexed="true"/g, '$1 indexed="false"'),
  'id stored instead of docValues': (schema) => schema.replace(
    '<field name="id" type="identifier" required="true" docValues="true"/>',
    '<field name="id" type="identifier" required="true" stored="true"/>'),
  'without tags': (schema) => schema.replace(
    /<dynamicField name="(.)\.\*" type="[a-z]+"\/>/g, '<dynamicField name="$1.*" type="nothing"/>')
    .replace('<fieldType name="identifier"',
      '<fieldType name="nothing" class="solr.StrField" indexed="false" stored="false"/><fieldType name="identifier"'),
};

async function documents(count: number): Promise<readonly IndexDocument[]> {
  const normaliser = createNormaliser(definitionSetOf(await readDefinitionFolder(join(checkout, 'normalizers'))));
  const texts = (await readFile(join(checkout, 'samples', 'mixed.rfc3164.log'), 'utf8')).split('\n').filter(Boolean);
  const receivedMs = Date.UTC(2026, 10, 22);
  return Array.from({ length: count }, (_, line) => {
    // A counter makes every line one of a kind, as real lines are.
    const text = `${texts[line % texts.length] ?? ''} #${String(line)}`;
    const normalised = normaliser.normalise({ text, receivedMs, timeZone: 'UTC' });
    const addresses = text.match(/[0-9]+(?:\.[0-9]+){3}/g) ?? [];
    const port = /port (\d+)/.exec(text)?.[1];
    const user = /(?:user|for) (\w+)/.exec(text)?.[1];
    const fileId = Math.floor(line / 20_000).toString(16).padStart(24, '0');
    return {
      id: `${fileId}!${String(line % 20_000)}`, fileId, line: line % 20_000, sourceId: '0123456789abcdef', source: 'web',
      dateMs: normalised.dateMs ?? receivedMs, receivedMs: receivedMs + line, text, truncated: false,
      found: membersOf({
        ...normalised.tags, ...(addresses[0] !== undefined && { source_ip: addresses[0] }),
        ...(port !== undefined && { source_port: port }), ...(user !== undefined && { user }),
      }, normalised.matched.map(({ normalizer }) => normalizer)),
      definitions: normaliser.version,
    };
  });
}

async function load(client: SolrClient, collection: string, bodies: readonly string[], count: number): Promise<number> {
  const start = systemClock.monotonic();
  const waiting = [...bodies];
  const work = async (): Promise<void> => {
    for (let data = waiting.shift(); data !== undefined; data = waiting.shift()) {
      await client.request({
        path: `/${collection}/update`, body: { type: 'application/json', data }, effect: 'write', timeoutMs: 60_000,
      });
    }
  };
  await Promise.all([work(), work()]);
  const perSecond = count / (systemClock.monotonic() - start) * 1_000;
  await client.request({ path: `/${collection}/update`, query: { commit: 'true' }, effect: 'write', timeoutMs: 60_000 });
  return perSecond;
}

async function sizeOf(client: SolrClient, collection: string): Promise<number> {
  const [leader] = await shardLeaders(client, collection);
  const answer = await client.request({
    path: '/admin/cores', query: { action: 'STATUS', core: leader?.core ?? '' }, effect: 'read',
  });
  const status = answer.status as Record<string, { index: { sizeInBytes: number } }>;
  return status[leader?.core ?? '']?.index.sizeInBytes ?? 0;
}

async function main(url: string, count: number): Promise<void> {
  const client = createSolrClient({ baseUrls: () => [url], clock: systemClock });
  const all = await documents(count);
  const json = all.map((document) => solrDocument(document));
  const bodies: string[] = [];
  for (let from = 0; from < count; from += BATCH) bodies.push(`[${json.slice(from, from + BATCH).join(',')}]`);
  const tags = all.reduce((sum, document) => sum + Object.keys(readMembers(document.found).tags).length, 0) / count;
  const rates: Record<string, number[]> = {};
  const sizes: Record<string, number> = {};
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [i, [name, change]] of Object.entries(VARIANTS).entries()) {
      const folder = await mkdtemp(join(tmpdir(), 'resilog-fields-'));
      await cp(join(checkout, 'solr', 'resilog'), folder, { recursive: true });
      const schema = join(folder, 'schema.xml');
      await writeFile(schema, change(await readFile(schema, 'utf8')));
      const collection = `fields_${String(round)}_${String(i)}`;
      await prepareCollection(
        collection, { client, clock: systemClock, configsetFolder: folder, shards: 1, replicas: 1 });
      const rate = await load(client, collection, bodies, count);
      // The first round warms the server up.
      if (round > 0) (rates[name] ??= []).push(rate);
      sizes[name] = await sizeOf(client, collection);
      await client.request({
        path: '/admin/collections', query: { action: 'DELETE', name: collection }, effect: 'write', timeoutMs: 60_000,
      });
      await rm(folder, { recursive: true });
    }
  }
  for (const name of Object.keys(VARIANTS)) {
    const sorted = [...(rates[name] ?? [])].sort((a, b) => a - b);
    process.stdout.write(`${JSON.stringify({
      figure: 'index-fields', variant: name, documents: count, tagsPerDocument: Number(tags.toFixed(1)),
      documentsPerSecond: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
      bytesPerDocument: Number(((sizes[name] ?? 0) / count).toFixed(1)),
    })}\n`);
  }
  await client.close();
}

void main(process.argv[2] ?? 'http://[::1]:8983/solr', Number(process.argv[3] ?? 100_000));
