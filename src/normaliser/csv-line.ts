/** Python's csv module gives up a line with a longer field; in characters. */
const FIELD_CHARACTERS = 131_072;

/**
 * One line of CSV as Python's csv.reader reads it with its default dialect: a quote opens only at the start of a
 * field, a doubled quote inside is one quote, text after a closing quote belongs to the field, an open quote ends
 * with the line, line ends after the last field are no part of it. Empty where csv.reader fails: for a NUL, a line
 * end before the end, a field that is too long.
 */
export function splitCsvLine(line: string, separator: string, quote: string): readonly string[] {
  if (line.includes('\0')) return [];
  const fields: string[] = [];
  let field = '';
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (state === 'quoted') {
      if (character === quote) state = 'closed';
      else field += character;
    } else if (character === separator) {
      fields.push(field);
      field = '';
      state = 'start';
    } else if (character === '\r' || character === '\n') {
      if (!/^[\r\n]*$/.test(line.slice(at))) return [];
      break;
    } else if (character === quote && state !== 'plain') {
      if (state === 'closed') field += quote;
      state = 'quoted';
    } else {
      field += character;
      state = 'plain';
    }
  }
  fields.push(field);
  return fields.some((content) => content.length > FIELD_CHARACTERS) ? [] : fields;
}
