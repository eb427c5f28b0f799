import { expect } from 'chai';
import { DefinitionError } from '../../../src/normaliser/definition-error';
import { loadDefinitionFile } from '../../../src/normaliser/definition-loader';
import { definitionLimits } from '../../../src/normaliser/definition-limits';
import type { Definition } from '../../../src/normaliser/definition';
import { normalizerXml } from './definitions';

function load(xml: string): Definition {
  const content = loadDefinitionFile({ name: 'x.xml', xml });
  if (content.kind !== 'normalizer') throw new Error('not a normalizer');
  return content.definition;
}

function refused(xml: string): DefinitionError {
  try {
    loadDefinitionFile({ name: 'x.xml', xml });
  } catch (error) {
    expect(error).to.be.instanceOf(DefinitionError);
    expect((error as DefinitionError).remedy).to.be.a('string').that.is.not.empty;
    return error as DefinitionError;
  }
  throw new Error('it was not refused');
}

const PATTERNS = '<patterns><pattern name="p"><text>T</text><tags><tag name="t"><substitute>T</substitute></tag></tags></pattern></patterns>';

describe('loadDefinitionFile', () => {
  it('reads all that a definition can hold', () => {
    const definition = load(`<?xml version="1.0"?>
<!DOCTYPE normalizer SYSTEM "normalizer.dtd">
<normalizer name="n" version="0.990" appliedTo="body" unicode="no" ignorecase="no" multiline="yes" matchtype="search"
  taxonomy="firewall" expandWhitespaces="yes">
 <description><localized_desc language="en">text</localized_desc></description>
 <authors><author>me</author></authors>
 <tagTypes><tagType name="A" type="integer"><regexp>\\d&lt;</regexp></tagType></tagTypes>
 <callbacks><callback name="c"><![CDATA[if a < b: pass]]></callback></callbacks>
 <prerequisites><prereqTag name="program">x.+</prereqTag></prerequisites>
 <patterns>
  <pattern name="p"><text>A T</text>
   <tags><tag name="a" tagType="A"><substitute>A</substitute><callbacks><callback>c</callback></callbacks></tag>
         <tag name="t"><substitute>T</substitute></tag></tags>
   <commonTags><commonTag name="k">v</commonTag></commonTags>
   <examples><example><text>1 x</text><expectedTags><expectedTag name="a">1</expectedTag></expectedTags></example></examples>
  </pattern>
  <pattern name="q"><text type="csv" separator=";" quotechar="'">T;U</text><tags><tag name="t"><substitute>T</substitute></tag></tags></pattern>
 </patterns>
 <commonTags><commonTag name="m">w</commonTag></commonTags>
 <finalCallbacks><callback>c</callback></finalCallbacks>
</normalizer>`);
    expect(definition).to.include({
      id: 'n-0.99', appliedTo: 'body', unicode: false, ignoreCase: false, matchType: 'search', expandWhitespaces: true,
      taxonomy: 'firewall',
    });
    expect(definition.tagTypes.get('A')?.regexp).to.equal('\\d<');
    expect(definition.callbacks.get('c')?.body).to.equal('if a < b: pass');
    expect(definition.prerequisites.map(({ tag, regexp }) => [tag, regexp])).to.deep.equal([['program', 'x.+']]);
    const [regexp, csv] = definition.patterns;
    expect(regexp?.tags.map((tag) => [tag.name, tag.tagType, tag.substitute, tag.callbacks.map(({ name }) => name)]))
      .to.deep.equal([['a', 'A', 'A', ['c']], ['t', 'Anything', 'T', []]]);
    expect(regexp?.commonTags).to.deep.equal([['k', 'v']]);
    expect(regexp?.examples[0]).to.deep.include({ text: '1 x', expectedTags: [['a', '1']] });
    expect(csv?.csv).to.deep.equal({ separator: ';', quote: "'" });
    expect(definition.commonTags).to.deep.equal([['m', 'w']]);
    expect(definition.finalCallbacks.map(({ name }) => name)).to.deep.equal(['c']);
  });

  it('prints versions as Python does, in which 0 is 1.0', () => {
    expect(['1', '1.0', '0', '2.50', '0.99'].map((version) => load(normalizerXml({ version, tags: { T: 'x' } })).id))
      .to.deep.equal(['test-1.0', 'test-1.0', 'test-1.0', 'test-2.5', 'test-0.99']);
  });

  it('takes the last of two patterns or tags of one name, as PyLogsParser does', () => {
    const tag = '<tag name="t"><substitute>U</substitute></tag>';
    const second = `<pattern name="p"><text>last</text><tags><tag name="t"><substitute>T</substitute></tag>${tag}</tags></pattern>`;
    const { patterns } = load(`<normalizer name="n" version="1" appliedTo="raw">${PATTERNS.replace('</patterns>', `${second}</patterns>`)}</normalizer>`);
    expect(patterns.map(({ text, tags }) => [text, tags.map(({ substitute }) => substitute)])).to.deep.equal([['last', ['U']]]);
  });

  it('reads common files, with their own document type inside and the element spelled both ways', () => {
    const types = loadDefinitionFile({ name: 't.xml', xml: `<!DOCTYPE tagTypes [<!ELEMENT tagTypes (tagType+)>]>
      <tagTypes><tagType name="Anything"><regexp>.*</regexp></tagType></tagTypes>` });
    expect(types).to.deep.include({ kind: 'tagTypes' });
    const callbacks = loadDefinitionFile({ name: 'c.xml', xml: `<callBacks><callback name="a"><code>x</code></callback>
      <callBack name="b"><code>y</code></callBack></callBacks>` });
    expect(callbacks.kind === 'callbacks' && callbacks.callbacks.map(({ name, body }) => [name, body]))
      .to.deep.equal([['a', 'x'], ['b', 'y']]);
  });

  const header = '<normalizer name="n" version="1" appliedTo="raw">';
  const mistakes: readonly (readonly [what: string, xml: string, message: RegExp])[] = [
    ['an unknown root', '<logs/>', /x\.xml:1: <logs>/],
    ['a missing attribute', '<normalizer name="n" version="1"/>', /<normalizer>: lacks the attribute "appliedTo"/],
    ['an unknown attribute', '<normalizer name="n" version="1" appliedTo="raw" color="red"/>', /unknown attribute "color"/],
    ['a wrong value', '<normalizer name="n" version="1" appliedTo="raw" unicode="maybe"/>', /unicode="maybe"/],
    ['a version that is no number', `<normalizer name="n" version="one" appliedTo="raw">${PATTERNS}</normalizer>`, /version="one"/],
    ['missing patterns', `${header}</normalizer>`, /lacks <patterns>/],
    ['a wrong order', `${header}\n${PATTERNS}\n<tagTypes><tagType name="a"><regexp>b</regexp></tagType></tagTypes></normalizer>`,
      /x\.xml:3: <tagTypes>: may not stand here/],
    ['an unknown element', `${header}${PATTERNS.replace('<text>T</text>', '<text>T</text><txt/>')}</normalizer>`, /<pattern>: lacks <tags>/],
    ['text between elements', `${header}hello${PATTERNS}</normalizer>`, /holds the text "hello"/],
    ['an element in a text', `${header}${PATTERNS.replace('<text>T', '<text>T<b/>')}</normalizer>`, /<b>: may not stand in <text>/],
    ['an empty substitute', `${header}${PATTERNS.replace('>T</substitute>', '></substitute>')}</normalizer>`, /empty substitute/],
    ['a csv separator of two characters',
      `${header}${PATTERNS.replace('<text>', '<text type="csv" separator=", ">')}</normalizer>`, /one character/],
    ['a callback without a name', `${header}<callbacks><callback>x</callback></callbacks>${PATTERNS}</normalizer>`, /"name"/],
    ['broken XML', `${header}\n\n<patterns>`, /x\.xml:3: /],
    ['nothing', '', /root/],
    ['text that is no XML', 'hello', /x\.xml:1/],
    ['an undefined entity', `${header.replace('"n"', '"&boom;"')}${PATTERNS}</normalizer>`, /entity/],
  ];
  for (const [what, xml, message] of mistakes) {
    it(`refuses ${what} and says where`, () => {
      expect(refused(xml).message).to.match(message);
    });
  }

  it('refuses entity declarations, inner and outer, without reading anything', () => {
    for (const entity of ['<!ENTITY a "aaaa">', '<!ENTITY x SYSTEM "file:///etc/passwd">', '<!entity % p SYSTEM "http://[::1]/">']) {
      expect(refused(`<!DOCTYPE normalizer [${entity}]>${header}${PATTERNS}</normalizer>`).message).to.contain('entity');
    }
  });

  it('refuses what is too large, too deep or too much', () => {
    expect(refused(' '.repeat(definitionLimits.fileCharacters + 1)).message).to.contain('longer than');
    expect(refused('<description>'.repeat(definitionLimits.depth + 1)).message).to.contain('deeper');
    expect(refused(`<tagTypes>${'<a/>'.repeat(definitionLimits.elements)}`).message).to.contain('elements');
    const attributes = Array.from({ length: 40 }, (_, index) => `a${index}=""`).join(' ');
    expect(refused(`<normalizer ${attributes}/>`).message).to.contain('attributes');
  });

  it('gives an error or a definition for any mutation of a good file, never anything else', () => {
    const good = normalizerXml({ text: 'A B', tags: { A: '[0-9]+', B: '.*' }, callbacks: { c: 'resilog: lower x' }, uses: { A: ['c'] } });
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    const marks = ['<', '>', '&', '"', '/', '<!--', ']]>', '\0', '\ud800', 'a', '<![CDATA['];
    let loaded = 0;
    for (let round = 0; round < 2_000; round += 1) {
      const at = next(good.length);
      const xml = good.slice(0, at) + (marks[next(marks.length)] ?? '') + good.slice(at + next(4));
      try {
        loadDefinitionFile({ name: 'm.xml', xml });
        loaded += 1;
      } catch (error) {
        expect(error, xml).to.be.instanceOf(DefinitionError);
      }
    }
    expect(loaded).to.be.within(1, 1_999);
  });
});
