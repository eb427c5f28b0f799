import { asciiFormOf } from './ascii-form';
import type { CompiledPattern } from './compiled-definition';
import type { Definition } from './definition';
import { LinearMatcher, type PatternMatch } from './linear-matcher';
import type { FilteredPattern } from './prefilter';
import { parseRegexp, type RegexpNode } from './regexp-tree';

/**
 * One alternative of a normalizer as a regular expression of its own, in two forms: as it is, and one for texts of
 * ASCII characters only, which gives the same on them and is several times as fast.
 *
 * Alternatives tried one by one give what the joined expression gives: at any position the first that matches counts,
 * each matches in the way in which it would match alone, and nothing follows them that could make them match otherwise.
 */
export class PatternMatcher {
  /** Undefined when the expression could not be analysed. */
  private readonly tree: RegexpNode | undefined;
  private readonly any: RegExp;
  private readonly ascii: RegExp;
  private readonly flags: string;
  /** It matches only at the start of a text. */
  private readonly isAnchored: boolean;
  /** Made when it is first needed; null: there can be none. */
  private linear: LinearMatcher | null | undefined;

  constructor(pattern: Pick<CompiledPattern, 'source'>, definition: Pick<Definition, 'ignoreCase' | 'matchType'>) {
    const flags = definition.ignoreCase ? 'iu' : 'u';
    this.flags = flags;
    this.isAnchored = definition.matchType === 'match';
    const anchored = (source: string): string => (this.isAnchored ? `^(?:${source})` : source);
    this.tree = parseRegexp(pattern.source);
    this.any = new RegExp(anchored(pattern.source), flags);
    this.ascii = this.tree === undefined ? this.any : new RegExp(anchored(asciiFormOf(this.tree, flags)));
  }

  /** What the prefilter knows it by. */
  get filtered(): FilteredPattern | undefined {
    return this.tree && { tree: this.tree, flags: this.flags, isAnchored: this.isAnchored };
  }

  exec(text: string, isAscii: boolean): PatternMatch | null {
    try {
      return (isAscii ? this.ascii : this.any).exec(text);
    } catch {
      // It may exhaust its stack on a hostile text: that text then simply does not match.
      return null;
    }
  }

  /** The same match in time that is bounded; null also when the expression has no linear form. */
  execLinear(text: string): PatternMatch | null {
    if (this.linear === undefined) {
      this.linear = (this.tree && LinearMatcher.of(this.tree, this.flags, this.isAnchored)) ?? null;
    }
    return this.linear?.exec(text) ?? null;
  }
}
