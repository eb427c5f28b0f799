import type { FieldReader } from './field-rows';

const PAIR = /\s*(?:([A-Za-z_@][\w.@/:-]{0,127})=("[^"\\]*(?:\\.[^"\\]*)*"|[^\s"]*)|([^\s="]+))(?=\s|$)/ys;

/** `key=value key="quoted value" word`: a word without `=` is a field `true` if it has the form of a key. */
export const readLogfmt: FieldReader = (text, found) => {
  let at = 0;
  const end = text.trimEnd().length;
  while (at < end) {
    PAIR.lastIndex = at;
    const match = PAIR.exec(text);
    if (match === null) return false;
    const [whole, key, value = '', word] = match;
    at += whole.length;
    if (key !== undefined) found(key, unquoted(value));
    else if (word !== undefined && /^[A-Za-z_][\w.-]{0,63}$/.test(word)) found(word, 'true');
  }
  return end > 0;
};

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  return value.slice(1, -1).replace(/\\(["\\ntr])/g, (_, escaped: string) => (
    { n: '\n', t: '\t', r: '\r' }[escaped] ?? escaped));
}
