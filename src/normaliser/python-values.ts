import { refuse, type WorkingLog } from './callback';

/** Python 2's white space of Unicode text: unlike JavaScript's with the separators of ASCII and without U+FEFF. */
const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u180e\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
/** Has no white space but the space. */
const PRINTABLE = /^[ -~]*$/;
const SPACES = new RegExp(`${SPACE}+`, 'u');
const AROUND = new RegExp(`^${SPACE}+|${SPACE}+$`, 'gu');
const INTEGER = new RegExp(`^${SPACE}*([+-]?)${SPACE}*(\\p{Nd}+)${SPACE}*$`, 'u');
const FLOAT = new RegExp(`^${SPACE}*([+-]?(?:\\p{Nd}+\\.?\\p{Nd}*|\\.\\p{Nd}+)(?:[eE][+-]?\\p{Nd}+)?)${SPACE}*$`, 'u');

/** Python's `long(text)`, which knows the digits of all scripts; undefined where it raises. */
export function pythonLongOrNone(text: string): bigint | undefined {
  const match = INTEGER.exec(text);
  if (match === null) return undefined;
  const size = BigInt(asciiDigits(match[2] ?? ''));
  return match[1] === '-' ? -size : size;
}

/** Python's `int(text)`, exact to 53 bits; undefined where it raises. */
export function pythonIntOrNone(text: string): number | undefined {
  const plain = plainInt(text);
  if (plain !== undefined) return plain;
  const value = pythonLongOrNone(text);
  return value === undefined ? undefined : Number(value);
}

/** The value of up to 15 ASCII digits, spaces before them allowed; undefined for any other form, a number or not. */
function plainInt(text: string): number | undefined {
  const { length } = text;
  let at = 0;
  while (at < length && text.charCodeAt(at) === 32) at += 1;
  if (at === length || length - at > 15) return undefined;
  let value = 0;
  for (; at < length; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

/** Python's `int(text)`; refuses where it raises. */
export function pythonInt(text: string): number {
  return pythonIntOrNone(text) ?? refuse(`"${text.slice(0, 40)}" is no integer`);
}

/** Python's `float(text)` if finite; refuses everything else. */
export function pythonFloat(text: string): number {
  const match = FLOAT.exec(text) ?? refuse(`"${text.slice(0, 40)}" is no number`);
  const value = Number.parseFloat(asciiDigits(match[1] ?? ''));
  return Number.isFinite(value) ? value : refuse('the number is out of range');
}

/** Digits of any script as ASCII. Unicode has each script's ten in order, and every run of them is whole. */
function asciiDigits(text: string): string {
  return text.replace(/(?![0-9])\p{Nd}/gu, (digit) => {
    const point = digit.codePointAt(0) ?? 0;
    let zero = point;
    while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
    return String((point - zero) % 10);
  });
}

/** The tag as text; refuses (Python's KeyError) when it is absent or no text. */
export function textTag(log: WorkingLog, name: string): string {
  const value = log.get(name);
  return typeof value === 'string' ? value : refuse(`there is no tag ${name}`);
}

/** The tag as text, or undefined. */
export function optionalTextTag(log: WorkingLog, name: string): string | undefined {
  const value = log.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** Python's `text.strip(characters)`; white space when none are given. */
export function strip(text: string, characters?: string): string {
  if (characters === undefined) {
    const isBare = isPlain(text.charCodeAt(0)) && isPlain(text.charCodeAt(text.length - 1));
    return isBare ? text : text.replace(AROUND, '');
  }
  let from = 0;
  let to = text.length;
  while (from < to && characters.includes(text.charAt(from))) from += 1;
  while (to > from && characters.includes(text.charAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

/** Python's `text.split()`: the words between white space, none of them empty. */
export function words(text: string): string[] {
  return text.split(PRINTABLE.test(text) ? ' ' : SPACES).filter((word) => word !== '');
}

/** A printing ASCII character other than the space. */
function isPlain(code: number): boolean {
  return code > 32 && code < 127;
}

/** Python's `text.split(separator, 1)` when the separator must occur. */
export function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? refuse(`"${separator}" is missing`) : [text.slice(0, at), text.slice(at + separator.length)];
}

/** Python's `text[from:to]`, which counts characters where JavaScript counts halves of those beyond U+FFFF. */
export function slice(text: string, from: number, to?: number): string {
  return /[\ud800-\udfff]/.test(text) ? Array.from(text).slice(from, to).join('') : text.slice(from, to);
}

/** Python's `text.lower()`: character by character, each to one character. */
export function lowerCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  return Array.from(text, (character) => String.fromCodePoint(character.toLowerCase().codePointAt(0) ?? 0)).join('');
}
