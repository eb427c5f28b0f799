import { expect } from 'chai';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../support/checkout';

/** slapos.recipe.template refuses a name that is given twice, which is seen only when all components are built. */
describe('contexts of the templates of the SlapOS release', () => {
  const profiles = ['software.cfg', 'instance.cfg.in', ...readdirSync(join(checkout, 'templates'))
    .filter((name) => name.endsWith('.cfg.in') && name.startsWith('instance-')).map((name) => join('templates', name))];

  for (const profile of profiles) {
    it(`${profile}: name nothing twice`, () => {
      const contexts = readFileSync(join(checkout, profile), 'utf8').split(/^context =/m).slice(1)
        // A context ends with the next line that begins an option or a section.
        .map((text) => text.split(/^[a-z\[-]/m)[0] ?? '');
      for (const context of contexts) {
        const names = [...context.matchAll(/^\s+(?:key|raw|json|section) (\S+)/gm)].map((match) => match[1]);
        expect(names.filter((name, index) => names.indexOf(name) !== index), context).to.deep.equal([]);
      }
    });
  }
});
