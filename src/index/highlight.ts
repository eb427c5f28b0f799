import type { QueryNode } from './query-ast';
import { parseQuery } from './query-language';
import { wordsOf } from './words';

/** A stretch of a text to show marked: [start, end) in UTF-16 units. */
export type Highlight = readonly [start: number, end: number];

/**
 * Where the words of a query stand in a line's text, as the index cuts it: ascending, disjoint. The text comes from
 * the archive, so nothing need be stored in the index to show or mark it. Excluded words are not marked; values of
 * tags are marked where the line holds them as they are.
 */
export function highlightsOf(queryText: string, text: string): readonly Highlight[] {
  const phrases: (readonly [words: readonly string[], prefix: boolean])[] = [];
  collect(parseQuery(queryText), phrases);
  const words = wordsOf(text);
  const found: [number, number][] = [];
  for (const [phrase, prefix] of phrases) {
    for (let at = 0; at + phrase.length <= words.length; at += 1) {
      const fits = phrase.every((wanted, i) => {
        const word = words[at + i]?.word;
        return prefix && i === phrase.length - 1 ? word?.startsWith(wanted) === true : word === wanted;
      });
      const first = words[at];
      const last = words[at + phrase.length - 1];
      if (fits && first !== undefined && last !== undefined) found.push([first.start, last.end]);
    }
  }
  return unite(found);
}

function collect(node: QueryNode, phrases: (readonly [readonly string[], boolean])[]): void {
  if (node.kind === 'words') phrases.push([node.words, node.prefix]);
  else if (node.kind === 'tag') {
    const words = wordsOf(node.value).map(({ word }) => word);
    if (words.length > 0) phrases.push([words, false]);
  } else if (node.kind === 'and' || node.kind === 'or') node.parts.forEach((part) => { collect(part, phrases); });
}

function unite(found: [number, number][]): Highlight[] {
  const united: [number, number][] = [];
  for (const [start, end] of found.sort(([a], [b]) => a - b)) {
    const previous = united.at(-1);
    if (previous !== undefined && start <= previous[1]) previous[1] = Math.max(previous[1], end);
    else united.push([start, end]);
  }
  return united;
}
