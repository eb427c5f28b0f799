import { Ajv2020 } from 'ajv/dist/2020';
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, run } from '../../support/checkout';

interface Schema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Release {
  readonly 'software-type': Readonly<Record<string, { readonly request: string; readonly response: string }>>;
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(checkout, name), 'utf8'));
const types = (read('software.cfg.json') as Release)['software-type'];
const cluster = read(types.default?.request ?? '') as Schema;

/** Every property with its path, at any depth. */
function* properties(schema: Schema, path = ''): Generator<[string, Schema]> {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    yield [`${path}${name}`, property];
    yield* properties(property, `${path}${name}.`);
  }
}

const problems = (schema: Schema, value: unknown): string => {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  return ajv.validate(schema, value) ? '' : ajv.errorsText();
};

describe('schemas of the SlapOS release', () => {
  it('are there for every software type', () => {
    expect(Object.keys(types)).to.deep.equal(['default', 'zookeeper', 'mongodb', 'solr', 'producer', 'consumer']);
    for (const { request, response } of Object.values(types)) {
      for (const name of [request, response]) {
        expect(read(name)).to.include({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
      }
    }
  });

  for (const [type, { request, response }] of Object.entries(types)) {
    it(`${type}: every parameter and output has a title and a description`, () => {
      for (const name of [request, response]) {
        for (const [path, property] of Object.entries((read(name) as Schema).properties ?? {})) {
          expect(property, `${name} ${path}`).to.include.keys('title', 'description');
        }
      }
    });

    it(`${type}: every default is valid, and what has none is required`, () => {
      const schema = read(request) as Schema;
      for (const [path, property] of properties(schema)) {
        if (property.default !== undefined) expect(problems(property, property.default), path).to.equal('');
        else if (!path.includes('.')) expect(schema.required, path).to.include(path);
      }
    });
  }

  it('the default of a tier is that of its parameters', () => {
    for (const [name, tier] of Object.entries(cluster.properties ?? {})) {
      if (tier.type !== 'object') continue;
      const single = Object.entries(tier.properties ?? {}).map(([key, property]) => [key, property.default]);
      expect(tier.default, name).to.deep.equal(Object.fromEntries(single));
    }
  });

  const refused: readonly [string, unknown, RegExp][] = [
    ['no producers', { producer: { count: 0 } }, /producer\/count must be >= 1/],
    ['two ZooKeepers', { zookeeper: { count: 2 } }, /zookeeper\/count must be equal to one of the allowed values/],
    ['a number as text', { solr: { count: '1' } }, /solr\/count must be integer/],
    ['an unknown tier', { zookeper: {} }, /must NOT have additional properties/],
    ['an unknown parameter of a tier', { mongodb: { cuont: 1 } }, /mongodb must NOT have additional properties/],
    ['a quote in an option of Java', { solr: { 'java-options': "-Da='b'" } }, /java-options must match pattern/],
    ['a short secret', { 'admin-secret': 'short' }, /admin-secret must match pattern/],
    ['an address without a port', { 'external-zookeeper': ['[::1]'] }, /external-zookeeper\/0 must match pattern/],
    ['a Solr URL without /solr', { 'external-solr': ['http://[::1]:8983'] }, /external-solr\/0 must match pattern/],
  ];
  for (const [what, value, message] of refused) {
    it(`refuse ${what}`, () => { expect(problems(cluster, value)).to.match(message); });
  }

  it('accept a cluster of three', () => {
    const servers = { zookeeper: { count: 3 }, mongodb: { count: 3 }, solr: { count: 2, replicas: 2 } };
    expect(problems(cluster, { ...servers, producer: { count: 2 }, consumer: { count: 3 } })).to.equal('');
  });
});

describe('buildout.hash.cfg', () => {
  it('is fresh and names every file of the release (else: make hashes)', async () => {
    const { code, stderr } = await run('python3', ['tools/hash-files.py', '--check']);
    expect(code, stderr).to.equal(0);
  });
});
