import type { FieldReader } from './field-rows';

const DEPTH = 16;
const TOKEN = /<\?[^>]*\?>|<!--[^]*?-->|<(\/?)([A-Za-z_][\w:.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)/y;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const ENTITY = /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));/g;
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * The fields of one XML element. A path is the elements' names below the root joined by `.`, and for an attribute its
 * name; an element with an attribute `Name` and text goes by that name, as `Data` in events of Windows. Name spaces are
 * dropped; there are no entities but XML's own.
 */
export const readXml: FieldReader = (text, found) => {
  const open: { name: string; path: string }[] = [];
  const whole = text.trim();
  let at = 0;
  while (at < whole.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(whole);
    if (match === null) return false;
    const [token, closing, name, attributes = '', alone, content] = match;
    at += token.length;
    if (content !== undefined) {
      if (content.trim() !== '') found(open.at(-1)?.path ?? '', decoded(content.trim()));
    } else if (name !== undefined && closing === '/') {
      if (open.pop()?.name !== name) return false;
      if (open.length === 0) return at === whole.length;
    } else if (name !== undefined) {
      const path = openElement(name, attributes, open, found);
      if (alone !== '/') open.push({ name, path });
      if (open.length > DEPTH) return false;
    }
  }
  return false;
};

/** The path of the element; its attributes are fields. */
function openElement(
  name: string, attributes: string, open: readonly { readonly path: string }[],
  found: (path: string, value: string) => void,
): string {
  const parent = open.at(-1)?.path ?? '';
  const below = (last: string): string => (parent === '' ? last : `${parent}.${last}`);
  const own = open.length === 0 ? '' : below(localName(name));
  let path = own;
  for (const match of attributes.matchAll(ATTRIBUTE)) {
    const key = match[1] ?? '';
    const value = decoded(match[2] ?? match[3] ?? '');
    if (key.startsWith('xmlns') || open.length === 0) continue;
    if (key === 'Name' && name === 'Data') path = below(value);
    else found(`${own}.${localName(key)}`, value);
  }
  return path;
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function decoded(text: string): string {
  return text.replace(ENTITY, (_, named: string | undefined, decimal: string | undefined, hex: string | undefined) => {
    if (named !== undefined) return NAMED[named] ?? '';
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  });
}
