/** A word of a text and where it stands, in UTF-16 units. */
export interface Word {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** Longest word in UTF-16 units that the index keeps; longer ones are cut there, in documents and in queries. */
const LONGEST_WORD = 120;

/**
 * Cuts a text into words as the index's analyzer does (`solr/resilog/schema.xml`, field type `text`): an IPv4
 * address, or a run of letters, digits and underscores, in lower case. The two must be changed together.
 */
const WORD = new RegExp(
  '[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|' +
  '[0-9A-Za-z_\\u00AA\\u00B5\\u00BA\\u00C0-\\u1FFF\\u2C00-\\u2DFF\\u3040-\\uD7FF\\uF900-\\uFFEF\\u{10000}-\\u{10FFFF}]+',
  'gu',
);

export function wordsOf(text: string): Word[] {
  return Array.from(text.matchAll(WORD), (match) => ({
    word: lowerCase(match[0]).slice(0, LONGEST_WORD),
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/**
 * As the index's LowerCaseFilter does: each character by itself. JavaScript looks at the neighbours of a capital sigma,
 * and makes two characters of the capital i with a dot.
 */
function lowerCase(word: string): string {
  if (!/[\u0130\u03A3]/.test(word)) return word.toLowerCase();
  return Array.from(word, (character) => (character === '\u0130' ? 'i' : character.toLowerCase())).join('');
}
