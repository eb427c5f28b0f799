import { expect } from 'chai';
import { createNormaliser } from '../../../src/normaliser/normaliser';
import { LinearMatcher, type PatternMatch } from '../../../src/normaliser/linear-matcher';
import { PatternMatcher } from '../../../src/normaliser/pattern-matcher';
import { parseRegexp } from '../../../src/normaliser/regexp-tree';
import { loadDefinitions } from '../../../src/process/definitions';
import { exampleLines, mutatedLines, seededRandom } from '../../support/pylogsparser/mutated-lines';

function matcherOf(source: string, anchored = false): LinearMatcher {
  const tree = parseRegexp(source);
  const matcher = tree && LinearMatcher.of(tree, 'iu', anchored);
  if (matcher === undefined) throw new Error(`${source} has no linear form`);
  return matcher;
}

function listOf(match: PatternMatch | null): unknown {
  return match && [match.index, ...(match as unknown as readonly unknown[])];
}

/** Random expressions whose repetitions are never empty, where both ways of matching must agree in everything. */
class Expressions {
  constructor(private readonly random: () => number) {}

  next(depth = 0): string {
    const options = Array.from({ length: 1 + this.below(2) }, () => (
      Array.from({ length: 1 + this.below(3) }, () => this.term(depth)).join('')));
    return options.join('|');
  }

  private term(depth: number): string {
    const character = this.pick(['a', 'b', '[ab]', '[^a]', 'é', '\\u{1f600}']);
    if (depth > 2 || this.random() < 0.5) return character + this.pick(['', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{0,2}?']);
    const inside = this.next(depth + 1);
    if (this.random() < 0.2) return `(${this.pick(['?=', '?!', '?<=', '?<!'])}${character})`;
    return this.random() < 0.5 ? `(${inside})` : `(?:${character}(?:${inside}))${this.pick(['', '*', '+', '?', '+?', '{1,2}'])}`;
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

describe('LinearMatcher', function () {
  this.timeout(120_000);

  it('gives the match of the regular expression: place, captures, preference', () => {
    const random = seededRandom(9);
    const expressions = new Expressions(random);
    for (let round = 0; round < 3_000; round += 1) {
      const source = expressions.next();
      const isAnchored = random() < 0.5;
      const matcher = matcherOf(source, isAnchored);
      const form = new RegExp(isAnchored ? `^(?:${source})` : source, 'iu');
      // V8 lets an empty match begin in the middle of a pair of surrogates; a search is tried without them.
      const alphabet = isAnchored ? ['a', 'b', 'B', 'é', '\n', '😀'] : ['a', 'b', 'B', 'é', '\n'];
      for (let count = 0; count < 4; count += 1) {
        const text = Array.from({ length: Math.floor(random() * 10) }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
        expect(listOf(matcher.exec(text)), `/${source}/ on ${JSON.stringify(text)}`)
          .to.deep.equal(listOf(form.exec(text)));
      }
    }
  });

  it('gives the match of every definition on its own examples and on mutated lines', async () => {
    const chain = createNormaliser(await loadDefinitions());
    const seeds = exampleLines(chain);
    const lines = mutatedLines({ seeds, seed: 3, count: seeds.length + 300 }).filter((_, index) => index % 4 === 0);
    let compared = 0;
    for (const { definition, patterns } of chain.definitions) {
      const examples = definition.patterns.flatMap((pattern) => pattern.examples.map(({ text }) => text));
      const texts = [...examples, ...lines.slice(0, 40)];
      for (const pattern of patterns) {
        const matcher = new PatternMatcher(pattern, definition);
        for (const text of texts) {
          const found = matcher.execLinear(text);
          const expected = matcher.exec(text, false);
          expect(listOf(found), `${definition.id} ${pattern.name} on ${JSON.stringify(text)}`).to.deep.equal(listOf(expected));
          if (expected !== null) compared += 1;
        }
      }
    }
    expect(compared).to.be.greaterThan(200);
  });

  it('ends in time where backtracking does not, and gives up after so many steps, always the same', () => {
    for (const source of ['(?:a+)+b', '(?:a|a)*b', '(?:a*)*b', '(a*)*(a*)*(a*)*b']) {
      expect(matcherOf(source, true).exec('a'.repeat(5_000)), source).to.equal(null);
    }
    expect(listOf(matcherOf('(?:a+)+b', true).exec(`${'a'.repeat(5_000)}b`))).to.deep.equal([0, `${'a'.repeat(5_000)}b`]);
    expect(matcherOf('(?:a{1,50}){1,50}b').exec('a'.repeat(100_000))).to.equal(null);
  });

  it('knows what it cannot do: programs too long, captures inside a look', () => {
    for (const source of ['(?:(?:a{1,200}){1,200}){1,200}', '(?=(a))a']) {
      const tree = parseRegexp(source);
      expect(tree && LinearMatcher.of(tree, 'u', false), source).to.equal(undefined);
    }
  });
});
