import { refuse, type WorkingLog } from './callback';

/** Python's `int(text)` for ASCII digits; refuses everything else. */
export function pythonInt(text: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) refuse(`"${text.slice(0, 40)}" is no integer`);
  return Number.parseInt(text.trim(), 10);
}

/** Python's `float(text)` if finite; refuses everything else. */
export function pythonFloat(text: string): number {
  if (!/^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(text)) refuse(`"${text.slice(0, 40)}" is no number`);
  const value = Number.parseFloat(text);
  return Number.isFinite(value) ? value : refuse('the number is out of range');
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
  if (characters === undefined) return text.trim();
  let from = 0;
  let to = text.length;
  while (from < to && characters.includes(text.charAt(from))) from += 1;
  while (to > from && characters.includes(text.charAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

/** Python's `text.split(separator, 1)` when the separator must occur. */
export function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? refuse(`"${separator}" is missing`) : [text.slice(0, at), text.slice(at + separator.length)];
}
