/** Python's csv module gives up a line with a longer field; in characters. */
const FIELD_CHARACTERS = 131_072;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/**
 * One line of CSV as Python's csv.reader reads it with its default dialect: a quote opens only at the start of a
 * field, a doubled quote inside is one quote, text after a closing quote belongs to the field, an open quote ends
 * with the line, line ends after the last field are no part of it. Empty where csv.reader fails: for a NUL, a line
 * end before the end, a field that is too long.
 */
export function splitCsvLine(line: string, separator: string, quote: string): readonly string[] {
  if (line.includes('\0')) return [];
  const fields: string[] = [];
  for (let at = 0; ; at += 1) {
    let content = '';
    if (isOpening(line.charAt(at), separator, quote)) {
      const quoted = readQuoted(line, at + 1, quote);
      ({ content } = quoted);
      at = quoted.end;
    }
    const from = at;
    at = endOfPlain(line, from, separator);
    fields.push(content + line.slice(from, at));
    if (at < line.length && line.charAt(at) === separator) continue;
    if (!/^[\r\n]*$/.test(line.slice(at))) return [];
    return fields.some((field) => field.length > FIELD_CHARACTERS) ? [] : fields;
  }
}

/** What separates fields, or ends lines, does that whatever else it may be. */
function isOpening(character: string, separator: string, quote: string): boolean {
  return character === quote && character !== '' && character !== separator && character !== '\r' && character !== '\n';
}

/** From behind the opening quote; `end` is behind the closing one. */
function readQuoted(line: string, from: number, quote: string): { readonly content: string; readonly end: number } {
  let content = '';
  for (let start = from; ;) {
    const closing = line.indexOf(quote, start);
    if (closing < 0) return { content: content + line.slice(start), end: line.length };
    content += line.slice(start, closing);
    if (line.charAt(closing + 1) !== quote) return { content, end: closing + 1 };
    content += quote;
    start = closing + 2;
  }
}

/** Where the next separator or line end is. */
function endOfPlain(line: string, from: number, separator: string): number {
  const wanted = separator.length === 1 ? separator.charCodeAt(0) : -1;
  for (let at = from; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    if (code === wanted || code === CARRIAGE_RETURN || code === LINE_FEED) return at;
  }
  return line.length;
}
