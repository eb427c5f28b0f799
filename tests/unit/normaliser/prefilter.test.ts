import { expect } from 'chai';
import { asciiFormOf } from '../../../src/normaliser/ascii-form';
import { definitionSetOf } from '../../../src/normaliser/definition-set';
import { LiteralScanner } from '../../../src/normaliser/literal-scanner';
import { createNormaliser, type NormaliserChain } from '../../../src/normaliser/normaliser';
import { type FilteredPattern, Prefilter } from '../../../src/normaliser/prefilter';
import { translatePythonRegexp } from '../../../src/normaliser/python-regexp';
import { parseRegexp, type RegexpNode } from '../../../src/normaliser/regexp-tree';
import { foldCharacter, requiredLiterals } from '../../../src/normaliser/required-literals';
import { endingOf } from '../../../src/normaliser/text-ending';
import { loadDefinitions } from '../../../src/process/definitions';
import { sampleLines } from '../../support/pylogsparser/installation';
import { exampleLines, mutatedLines, seededRandom } from '../../support/pylogsparser/mutated-lines';
import { comparable, runReference } from '../../support/reference-chain';
import { normalizerXml } from './definitions';

const RECEIVED_MS = Date.UTC(2026, 10, 22);

function treeOf(pattern: string): RegexpNode {
  const tree = parseRegexp(translatePythonRegexp(pattern, { unicode: true }).source);
  if (tree === undefined) throw new Error(`${pattern} was not understood`);
  return tree;
}

/** A pattern that may match anywhere. */
function searched(pattern: string): FilteredPattern {
  return { tree: treeOf(pattern), flags: 'iu', isAnchored: false };
}

function groupsOf(pattern: string): readonly string[] {
  return requiredLiterals(treeOf(pattern)).map((group) => [...group].sort().join('|'));
}

/** Lines for which the chain and its meaning differ. */
function differences(chain: NormaliserChain, lines: readonly string[]): readonly string[] {
  return lines.filter((text) => {
    const input = { text, receivedMs: RECEIVED_MS, timeZone: 'Europe/Paris' };
    return comparable(chain.run(input)) !== comparable(runReference(chain, input));
  });
}

describe('required literals', () => {
  const cases: readonly (readonly [pattern: string, groups: readonly string[]])[] = [
    ['abc', ['abc']],
    ['(?P<a>.*) in=(?P<b>\\d+) OUT=x', [' in=', ' out=x']],
    ['foo(?:bar|baz)?qux', ['foobarqux|foobazqux|fooqux']],
    ['(?:accepted|failed) .*', ['accepted |failed ']],
    ['(?:accepted \\w+|failed \\d+) for', ['accepted |failed ', ' for']],
    ['(?:accepted|\\w+) for', [' for']],
    ['(?:ab)+c', ['ab']],
    ['(?:ab){2}c', ['ababc']],
    ['(?:ab)*', []],
    ['(?:ab)?', []],
    ['x', []],
    ['\\d+|x', []],
    ['(\\S+) (\\[\\d+\\]) "(.*)"', [' [', '] "']],
    ['\\w+=\\d+', ['=']],
    ['[Ff]ailed', ['failed']],
    ['h[ae]llo', ['hallo|hello']],
    ['(?=secret)\\w+', ['secret']],
    ['(?!secret)abc', ['abc']],
    ['\\[ssh\\]:', ['[ssh]:']],
    ['[^s]sh', ['sh']],
    ['stra\u00dfe', ['stra']],
    ['ba\u017fe', ['ba']],
    ['', []],
  ];
  for (const [pattern, groups] of cases) {
    it(`of ${JSON.stringify(pattern)} are ${groups.join(' and ') || 'none'}`, () => {
      expect(groupsOf(pattern)).to.deep.equal(groups);
    });
  }

  it('fold every character that `iu` takes for an ASCII one, and no other', () => {
    const wrong: string[] = [];
    for (let letter = 32; letter < 127; letter += 1) {
      const source = String.fromCharCode(letter).replace(/[\^$\\.*+?()[\]{}|/]/, '\\$&');
      const form = new RegExp(`^${source}$`, 'iu');
      for (let code = 0; code < 0x10000; code += 1) {
        const isSame = form.test(String.fromCharCode(code));
        if (isSame !== (foldCharacter(code) === foldCharacter(letter))) wrong.push(`${letter}/${code}`);
      }
    }
    expect(wrong).to.deep.equal([]);
  }).timeout(60_000);
});

describe('LiteralScanner', () => {
  it('finds what a search finds, each literal once a text, whatever overlaps', () => {
    const random = seededRandom(4);
    const word = (most: number): string => Array.from({ length: 2 + Math.floor(random() * most) }, () => 'abS'[Math.floor(random() * 3)]).join('');
    const literals = [...new Set(Array.from({ length: 60 }, () => word(5).toLowerCase()))];
    // Bits of their own, and one that every third shares.
    const bits = literals.map((_, index) => (index % 3 === 0 ? [index, 99] : [index]));
    const scanner = new LiteralScanner(literals, bits);
    const seen = new Uint32Array(4);
    const isSet = (bit: number): boolean => (((seen[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
    for (let round = 0; round < 2_000; round += 1) {
      const text = word(30) + (random() < 0.3 ? 'ſé' : '') + word(30);
      const folded = text.toLowerCase().replaceAll('ſ', 's');
      seen.fill(0);
      scanner.scan(text, seen);
      const expected = literals.flatMap((literal, index) => (folded.includes(literal) ? [index] : []));
      expect(literals.flatMap((_, index) => (isSet(index) ? [index] : []))).to.deep.equal(expected);
      expect(isSet(99)).to.equal(expected.some((index) => index % 3 === 0));
      expect(literals.flatMap((_, index) => (scanner.saw(index) ? [index] : []))).to.deep.equal(expected);
      expect(scanner.isAscii).to.equal(!/[^\0-\x7f]/.test(text));
    }
  });

  it('reads texts longer than its buffer', () => {
    const scanner = new LiteralScanner(['needle'], [[0]]);
    const seen = new Uint32Array(1);
    scanner.scan(`${'x'.repeat(1_000_000)}NEEDLE`, seen);
    expect([scanner.saw(0), seen[0]]).to.deep.equal([true, 1]);
    scanner.scan('x'.repeat(1_000_000), seen);
    expect(scanner.saw(0)).to.equal(false);
  });

  it('cuts literals rather than grow beyond its bound', () => {
    const random = seededRandom(5);
    const word = (): string => Array.from({ length: 24 }, () => String.fromCharCode(33 + Math.floor(random() * 64))).join('').toLowerCase();
    const literals = Array.from({ length: 6_000 }, word);
    const scanner = new LiteralScanner(literals, literals.map(() => []));
    for (const index of [0, 1, 5_999]) {
      scanner.scan(`-- ${literals[index] ?? ''} --`, new Uint32Array(0));
      expect(scanner.saw(index)).to.equal(true);
    }
  }).timeout(60_000);
});

describe('Prefilter', () => {
  it('admits what it cannot judge, and after it what comes in order', () => {
    const prefilter = new Prefilter();
    const numbers = ['abcde.*fghij', '\\d+', 'xyz'].map((pattern) => prefilter.add(searched(pattern)));
    expect(numbers).to.deep.equal([0, 1, 2]);
    expect(prefilter.add(undefined)).to.equal(3);
    prefilter.look('ABCDE FGHIJ', 0, 4);
    expect([0, 1, 2, 3, 4].map((from) => prefilter.next(from))).to.deep.equal([0, 1, 3, 3, 4]);
    expect(prefilter.mayMatch(0)).to.equal(true);
    for (const text of ['ABCDE', 'FGHIJ']) {
      prefilter.look(text, 0, 4);
      expect(prefilter.next(0) === 0 && prefilter.mayMatch(0), text).to.equal(false);
    }
    prefilter.look('abc xyz', 0, 4);
    expect(prefilter.next(2)).to.equal(2);
  });

  it('admits what has one of the separators of its CSV patterns', () => {
    const prefilter = new Prefilter();
    prefilter.add({ separators: [',', 'X'] });
    prefilter.add({ separators: [',', '§'] });
    for (const [text, candidate] of [['a,b', 0], ['a', 1], ['axb', 0], ['a§b', 1]] as const) {
      prefilter.look(text, 0, 4);
      expect(prefilter.next(0), text).to.equal(candidate);
    }
  });

  it('does not take the end of a text for another that was looked at before', () => {
    const prefilter = new Prefilter();
    prefilter.add(searched('abc'));
    for (const [text, isCandidate] of [['x abc', true], ['abc', true], ['ab', false], ['b', false], ['xabc', true]] as const) {
      prefilter.look(text, 0, 4);
      expect(prefilter.next(0) === 0, text).to.equal(isCandidate);
    }
  });
});

describe('what a text may end with', () => {
  const endsWith = (pattern: string, flags = 'u'): string | undefined => (
    endingOf(treeOf(pattern), flags)?.flatMap((isIn, code) => (isIn ? [String.fromCharCode(code)] : [])).join(''));

  it('is what the last parts before `$` consume', () => {
    expect(endsWith('ab[cd]$')).to.equal('cd');
    expect(endsWith('a(b(c?))$')).to.equal('bc');
    expect(endsWith('a(?:bc|d|)$')).to.equal('acd');
    expect(endsWith('(?:ab){2,}$|x\\Z')).to.equal('bx');
    expect(endsWith('k$', 'iu')).to.equal('Kk');
  });

  it('is anything where the expression does not end with the text, or may consume nothing', () => {
    for (const pattern of ['abc', 'a$b?', '(?:ab$|cd)', 'a$|b', 'a?$', '(?:ab)*$', '$', 'a(?=b$)']) {
      expect(endsWith(pattern), pattern).to.equal(undefined);
    }
  });

  it('rules a text out, but for one that ends with a line feed or beyond ASCII', () => {
    const prefilter = new Prefilter();
    prefilter.add({ tree: treeOf('\\d.*[ab]$'), flags: 'u', isAnchored: true });
    for (const [text, isCandidate] of [
      ['1 a', true], ['1 ab', true], ['1 c', false], ['1 c\n', true], ['1 é', true], ['x a', false], ['', false],
    ] as const) {
      prefilter.look(text, 0, 4);
      expect(prefilter.next(0) === 0, JSON.stringify(text)).to.equal(isCandidate);
    }
  });
});

describe('the form of an expression for ASCII', () => {
  const PATTERNS = [
    'a\\w+b', '[^\\W\\d]+', '\\S+ \\s*', '[a-z\u017f]+', '[\u0100-\u0200]', 'K', '\\bstop\\b', '[^:\\]]*', '(?:a|bc)??c$',
    '[\\x00-\\x1f]', '(?<![.0-9])\\d{1,3}', '.*', '[^a-y]', '\u212a',
  ];
  it('matches every text of ASCII as the expression does, with and without case', () => {
    const random = seededRandom(6);
    for (const pattern of PATTERNS) {
      for (const flags of ['u', 'iu']) {
        const { source } = translatePythonRegexp(pattern, { unicode: true });
        const [whole, ascii] = [new RegExp(source, flags), new RegExp(asciiFormOf(treeOf(pattern), flags))];
        for (let round = 0; round < 400; round += 1) {
          const text = Array.from({ length: Math.floor(random() * 12) }, () => (
            random() < 0.7 ? 'abckKsSz :09.'[Math.floor(random() * 13)] : String.fromCharCode(Math.floor(random() * 128)))).join('');
          const [expected, found] = [whole.exec(text), ascii.exec(text)];
          expect(found && [found.index, ...found], `${pattern} ${flags} ${JSON.stringify(text)}`)
            .to.deep.equal(expected && [expected.index, ...expected]);
        }
      }
    }
  });
});

describe('the chain with its prefilter', function () {
  this.timeout(300_000);

  it('gives what its definitions mean, for all definitions and every kind of line', async () => {
    const chain = createNormaliser(await loadDefinitions());
    const seeds = [...exampleLines(chain), ...sampleLines(25)];
    const lines = mutatedLines({ seeds, seed: 20_261_122, count: seeds.length + 1_500 });
    expect(lines.some((line) => /[^\0-\x7f]/.test(line)), 'some are not ASCII').to.equal(true);
    expect(differences(chain, lines)).to.deep.equal([]);
  });

  it('gives what they mean for patterns that compete: search, order of names, CSV, changed values', () => {
    const random = seededRandom(11);
    const pattern = (name: string, text: string): string => `<pattern name="${name}"><text>${text}</text>
      <tags><tag name="t_${name}"><substitute>REST</substitute></tag></tags></pattern>`;
    const texts = ['ab REST', 'REST ab', 'b+cREST', '(?:ab|ca)REST', 'REST$', 'aREST?b', 'cc', 'ska REST', '[k]s'];
    for (let round = 0; round < 150; round += 1) {
      const pick = (): string => texts[Math.floor(random() * texts.length)] as string;
      const xml = (name: string, appliedTo: string): string => normalizerXml({
        name, appliedTo, text: pick(), attributes: `matchtype="${random() < 0.5 ? 'match' : 'search'}" ignorecase="${random() < 0.5 ? 'yes' : 'no'}"`,
        tags: { REST: ['.*', '\\w+', '[a-k]*'][Math.floor(random() * 3)] as string },
        morePatterns: pattern('p0', pick()) + pattern('p2', pick()) + (random() < 0.3
          ? '<pattern name="p3"><text type="csv" separator=" ">A B</text><tags><tag name="body"><substitute>B</substitute></tag></tags></pattern>' : ''),
      });
      const chain = createNormaliser(definitionSetOf(['one', 'two', 'three'].map((name, index) => (
        { name: `${name}.xml`, xml: xml(name, index === 2 ? 'body' : 'raw') }))));
      const lines = Array.from({ length: 60 }, () => Array.from({ length: Math.floor(random() * 10) }, () => 'abckK sſKB'[Math.floor(random() * 10)]).join(''));
      expect(differences(chain, lines)).to.deep.equal([]);
    }
  });
});
