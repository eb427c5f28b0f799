import { messageOf } from '../errors';
import { resolveCallback } from './callback-registry';
import type { CompiledCsvPattern, CompiledDefinition, CompiledPattern, CompiledTag } from './compiled-definition';
import type { CallbackDefinition, Definition, PatternDefinition, TagDefinition, TagTypeDefinition } from './definition';
import { DefinitionError, type DefinitionPlace } from './definition-error';
import { definitionLimits } from './definition-limits';
import { interned } from './interned';
import { type TranslatedRegexp, translatePythonRegexp } from './python-regexp';

/** What the common files give to all definitions of a set. */
export interface CommonDefinitions {
  readonly tagTypes: ReadonlyMap<string, TagTypeDefinition>;
  readonly callbacks: ReadonlyMap<string, CallbackDefinition>;
}

/** PyLogsParser's tag type of last resort. */
const ANYTHING = '.*';

/** Makes a normalizer runnable. Throws DefinitionError for what can't be. */
export function compileDefinition(definition: Definition, common: CommonDefinitions): CompiledDefinition {
  const compiler = new Compiler(definition, common);
  const sorted = [...definition.patterns].sort((left, right) => compareNames(left.name, right.name));
  const { regexp, patterns } = compiler.joined(sorted.filter((pattern) => pattern.csv === undefined));
  return {
    id: definition.id,
    appliedTo: interned(definition.appliedTo),
    definition,
    regexp,
    patterns,
    csvPatterns: sorted.flatMap((pattern) => (pattern.csv === undefined ? [] : [compiler.csv(pattern, pattern.csv)])),
    prerequisites: definition.prerequisites.map(({ tag, regexp: form, place }) => (
      { tag: interned(tag), form: compiler.anchored(form, place, { unicode: false, ignoreCase: false }) })),
    commonTags: internedNames(definition.commonTags),
    taxonomy: definition.taxonomy,
    finalCallbacks: definition.finalCallbacks.map((use) => resolveCallback(use, definition, common.callbacks)),
  };
}

/** Python sorts names by code point; so must we, for the order of patterns decides which one matches. */
function compareNames(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function internedNames<T>(tags: readonly (readonly [string, T])[]): readonly (readonly [string, T])[] {
  return tags.map(([name, value]) => [interned(name), value]);
}

class Compiler {
  constructor(private readonly definition: Definition, private readonly common: CommonDefinitions) {}

  /** All patterns as alternatives of one regular expression. */
  joined(patterns: readonly PatternDefinition[]): { regexp: RegExp | undefined; patterns: CompiledPattern[] } {
    let captures = 0;
    const sources: string[] = [];
    const compiled = patterns.map((pattern): CompiledPattern => {
      const { source, tags } = this.pattern(pattern);
      const firstCapture = captures + 1;
      captures += tags.length + 1;
      sources.push(`(?:${source})()`);
      const compiledTags = tags.map((tag) => this.tag(tag));
      return {
        name: pattern.name, source, tags: compiledTags, firstCapture, marker: captures,
        commonTags: internedNames(pattern.commonTags),
        hasCallbacks: compiledTags.some((tag) => tag.callbacks.length > 0),
      };
    });
    if (sources.length === 0) return { regexp: undefined, patterns: [] };
    const all = this.definition.matchType === 'match' ? `^(?:${sources.join('|')})` : sources.join('|');
    return { regexp: this.regexp(all, this.definition.ignoreCase, this.definition.place), patterns: compiled };
  }

  csv(pattern: PatternDefinition, form: { readonly separator: string; readonly quote: string }): CompiledCsvPattern {
    const columns = pattern.text.split(form.separator)
      .map((column) => (form.separator === ' ' ? column : column.trim()));
    return {
      name: pattern.name,
      ...form,
      columns,
      tags: pattern.tags.filter((tag) => columns.includes(tag.substitute)).map((tag) => ({
        ...this.tag(tag), column: tag.substitute,
        form: this.anchored(this.regexpOf(tag), tag.place, { unicode: false, ignoreCase: false }),
      })),
      commonTags: internedNames(pattern.commonTags),
    };
  }

  /** A regular expression that must match at the start, as Python's `re.match`. */
  anchored(regexp: string, place: DefinitionPlace, flags: { unicode: boolean; ignoreCase: boolean }): RegExp {
    return this.regexp(`^(?:${this.translate(regexp, place, flags.unicode).source})`, flags.ignoreCase, place);
  }

  /** The pattern with its substitutes replaced, and its tags in the order of their captures. */
  private pattern(pattern: PatternDefinition): { source: string; tags: readonly TagDefinition[] } {
    const text = this.definition.expandWhitespaces ? pattern.text.replace(/[ \t\n\r\f\v]+/g, '\\s+') : pattern.text;
    const longestFirst = [...pattern.tags].sort((left, right) => right.substitute.length - left.substitute.length);
    const found: string[] = [];
    for (let at = 0; at < text.length;) {
      const tag = longestFirst.find(({ substitute }) => text.startsWith(substitute, at));
      found.push(tag === undefined ? text.charAt(at) : `(?P<tag${pattern.tags.indexOf(tag)}>${this.regexpOf(tag)})`);
      at += tag === undefined ? 1 : tag.substitute.length;
    }
    const regexp = found.join('');
    if (regexp.length > definitionLimits.patternCharacters) {
      throw new DefinitionError(pattern.place, `"${pattern.name}" is longer than ${definitionLimits.patternCharacters} characters`,
        'Split the pattern.');
    }
    const { source, groups } = this.translate(regexp, pattern.place, this.definition.unicode);
    const tags = groups.map((group) => {
      const tag = pattern.tags.find((_, index) => group === `tag${index}`);
      if (tag !== undefined) return tag;
      throw new DefinitionError(pattern.place, `"${pattern.name}" has the named group "${group}"`,
        'Use a tag with a substitute instead.');
    });
    // Each alternative is tried alone first, so that a mistake is reported where it is.
    this.regexp(source, this.definition.ignoreCase, pattern.place);
    return { source, tags };
  }

  private tag(tag: TagDefinition): CompiledTag {
    return {
      name: interned(tag.name),
      isPrivate: tag.name.startsWith('__'),
      callbacks: tag.callbacks.map((use) => resolveCallback(use, this.definition, this.common.callbacks)),
    };
  }

  private regexpOf(tag: TagDefinition): string {
    const type = this.definition.tagTypes.get(tag.tagType) ?? this.common.tagTypes.get(tag.tagType)
      ?? this.common.tagTypes.get('Anything');
    return type?.regexp ?? ANYTHING;
  }

  private translate(regexp: string, place: DefinitionPlace, unicode: boolean): TranslatedRegexp {
    try {
      return translatePythonRegexp(regexp, { unicode });
    } catch (error) {
      throw new DefinitionError(place, `the regular expression ${messageOf(error)}`, 'Correct the regular expression.', error);
    }
  }

  private regexp(source: string, ignoreCase: boolean, place: DefinitionPlace): RegExp {
    try {
      return new RegExp(source, ignoreCase ? 'iu' : 'u');
    } catch (error) {
      throw new DefinitionError(place, `the regular expression cannot be compiled: ${messageOf(error)}`,
        'Correct the regular expression, or the tag types in it.', error);
    }
  }
}
