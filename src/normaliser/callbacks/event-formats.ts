import type { FieldReader } from './field-rows';

/** Keys of an extension; its value reaches to the next one, spaces included. */
const CEF_KEY = /(?:^|\s)([A-Za-z0-9_][\w.[\]-]{0,63})=/g;
const CEF_HEADER = ['cefVersion', 'deviceVendor', 'deviceProduct', 'deviceVersion', 'signatureId', 'name', 'severity'] as const;

/**
 * Common Event Format, from the version on: seven header fields under the names of its specification, then the
 * extension's keys. A custom field (`cs1` with `cs1Label=Policy`) goes by its label.
 */
export const readCef: FieldReader = (text, found) => {
  let rest = text;
  for (const name of CEF_HEADER) {
    const end = unescapedBar(rest);
    if (end < 0) return false;
    found(name, rest.slice(0, end).trim().replace(/\\([\\|])/g, '$1'));
    rest = rest.slice(end + 1);
  }
  const fields = cefExtension(rest);
  for (const [key, value] of fields) {
    const label = fields.get(`${key}Label`);
    if (key.endsWith('Label') && fields.has(key.slice(0, -5))) continue;
    found(label ?? key, value);
  }
  return true;
};

function unescapedBar(text: string): number {
  for (let at = 0; at < text.length; at += 1) {
    if (text.charAt(at) === '\\') at += 1;
    else if (text.charAt(at) === '|') return at;
  }
  return -1;
}

function cefExtension(text: string): ReadonlyMap<string, string> {
  const keys = [...text.matchAll(CEF_KEY)];
  return new Map(keys.map((key, index) => {
    const value = text.slice(key.index + key[0].length, keys[index + 1]?.index ?? text.length);
    return [key[1] ?? '', value.trim().replace(/\\([\\=nr|])/g, (_, escaped: string) => (
      { n: '\n', r: '\r' }[escaped] ?? escaped))];
  }));
}

const LEEF_HEADER = ['vendor', 'product', 'version', 'eventId'] as const;
const LEEF = /^([12]\.0)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|(?:(\^|[^\w=]|0?x[0-9A-Fa-f]{2,4}|)\|)?/;

/**
 * Log Event Extended Format, from the version on: `vendor`, `product`, `version`, `eventId`, then the attributes,
 * which a tab separates, or in 2.0 the character that the header names (itself, or in hexadecimal: `x5E`).
 */
export const readLeef: FieldReader = (text, found) => {
  const header = LEEF.exec(text);
  if (header === null) return false;
  LEEF_HEADER.forEach((name, index) => { found(name, (header[index + 2] ?? '').trim()); });
  const separator = header[1] === '2.0' ? separatorOf(header[6] ?? '') : '\t';
  const attributes = text.slice(header[0].length);
  for (const attribute of attributes.split(separator)) {
    const at = attribute.indexOf('=');
    if (at > 0) found(attribute.slice(0, at).trim(), attribute.slice(at + 1).trim());
  }
  return true;
};

function separatorOf(text: string): string {
  if (text === '') return '\t';
  const code = /^0?x([0-9A-Fa-f]{2,4})$/.exec(text)?.[1];
  return code === undefined ? text : String.fromCharCode(Number.parseInt(code, 16));
}
