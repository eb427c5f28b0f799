import { expect } from 'chai';
import { selectDefinitions } from '../../../src/normaliser/definition-selection';
import { definitionSetOf } from '../../../src/normaliser/definition-set';
import { normalizerXml, type TestDefinition } from './definitions';

const minimal = (definition: TestDefinition): string => normalizerXml({ tags: { X: 'x' }, ...definition });
const tagTypes = (regexp: string): string => `<tagTypes><tagType name="T"><regexp>${regexp}</regexp></tagType></tagTypes>`;
const callbacks = (name: string): string => (
  `<callBacks><callback name="${name}"><code>resilog: lower x</code></callback></callBacks>`);

describe('selectDefinitions', () => {
  it('takes the highest version of each name, in the order of the files', () => {
    const selected = selectDefinitions(definitionSetOf([
      { name: 'b/a.xml', xml: minimal({ name: 'a', version: '1.10' }) },
      { name: 'b/z.xml', xml: minimal({ name: 'z' }) },
      { name: 'a/a.xml', xml: minimal({ name: 'a', version: '1.2' }) },
      { name: 'c/a.xml', xml: minimal({ name: 'a', version: '0.99' }) },
    ]));
    expect(selected.map(({ definition }) => `${definition.id} ${definition.place.file}`))
      .to.deep.equal(['a-1.2 a/a.xml', 'z-1.0 b/z.xml']);
  });

  it("takes the user's definition in the place of the program's of the same name, whatever their versions", () => {
    const selected = (programs: string, users: readonly string[]): readonly string[] => {
      const set = definitionSetOf([
        { name: 'resilog/a.xml', xml: minimal({ name: 'a', version: programs }) },
        ...users.map((version) => ({ name: `user/a${version}.xml`, xml: minimal({ name: 'a', version }) })),
      ]);
      return selectDefinitions(set).map(({ definition }) => definition.place.file);
    };
    expect(selected('2.0', ['1.0'])).to.deep.equal(['user/a1.0.xml']);
    expect(selected('1.0', ['1.0']), 'the program came to have it later').to.deep.equal(['user/a1.0.xml']);
    expect(selected('3.0', ['1.0', '2.0'])).to.deep.equal(['user/a2.0.xml']);
    expect(selected('3.0', [])).to.deep.equal(['resilog/a.xml']);
  });

  it('refuses the same version twice, also below the highest', () => {
    expect(() => selectDefinitions(definitionSetOf([
      { name: '1.xml', xml: minimal({ name: 'a', version: '1.0' }) },
      { name: '2.xml', xml: minimal({ name: 'a', version: '2.0' }) },
      { name: '3.xml', xml: minimal({ name: 'a', version: '1' }) },
    ]))).to.throw(/^3\.xml:\d: <normalizer>: "a-1\.0" is also defined in 1\.xml$/);
  });

  it('gives each definition the common files of its own folder first, then those of others', () => {
    const [a, b, c] = selectDefinitions(definitionSetOf([
      { name: 'a/common.xml', xml: tagTypes('in a') },
      { name: 'a/x.xml', xml: minimal({ name: 'x' }) },
      { name: 'b/calls.xml', xml: callbacks('only b') },
      { name: 'b/common.xml', xml: tagTypes('in b') },
      { name: 'b/y.xml', xml: minimal({ name: 'y' }) },
      { name: 'c/z.xml', xml: minimal({ name: 'z' }) },
    ])).map(({ common }) => [common.tagTypes.get('T')?.regexp, common.callbacks.has('only b')]);
    expect([a, b, c]).to.deep.equal([['in a', true], ['in b', true], ['in b', true]]);
  });
});
