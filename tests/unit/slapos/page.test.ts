import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../support/checkout';

interface Schema {
  readonly type?: string;
  readonly properties: Readonly<Record<string, Schema>>;
}

const read = (name: string): string => readFileSync(join(checkout, name), 'utf8');
const schemaOf = (name: string): Schema => JSON.parse(read(`schemas/instance-default-${name}-schema.json`)) as Schema;

describe('docs/slapos.md', () => {
  const page = read('docs/slapos.md');

  it('has every parameter of a cluster', () => {
    for (const [name, schema] of Object.entries(schemaOf('input').properties)) {
      if (schema.type !== 'object') expect(page).to.include(`\`${name}\``);
      else {
        for (const key of Object.keys(schema.properties)) {
          expect(page.includes(`\`${name}.${key}\``) || page.includes(`\`*.${key}\``), `${name}.${key}`).to.equal(true);
        }
      }
    }
  });

  it('has every output of a cluster', () => {
    for (const name of Object.keys(schemaOf('output').properties)) expect(page).to.include(`\`${name}\``);
  });
});
