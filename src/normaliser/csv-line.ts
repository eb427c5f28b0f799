/**
 * One line of CSV as Python's csv.reader reads it with its default dialect: a quote opens only at the start of a
 * field, a doubled quote inside is one quote, text after a closing quote belongs to the field, an open quote ends
 * with the line.
 */
export function splitCsvLine(line: string, separator: string, quote: string): readonly string[] {
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
    } else if (character === quote && state !== 'plain') {
      if (state === 'closed') field += quote;
      state = 'quoted';
    } else {
      field += character;
      state = 'plain';
    }
  }
  fields.push(field);
  return fields;
}
