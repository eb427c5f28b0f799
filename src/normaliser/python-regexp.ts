/**
 * Python's regular expressions in JavaScript, with Python's meaning: `.` excludes only LF, `$` also stands before a
 * final LF, `\d \w \s` are Unicode's when the UNICODE flag is on, `{` may be literal. The result is for the `u` flag
 * (V8 before 12 gets some classes wrong under `v`).
 * Named groups become numbered captures in their order; all other groups capture nothing.
 */
export interface TranslatedRegexp {
  readonly source: string;
  /** Names of the named groups; the first one is capture 1 of `source`. */
  readonly groups: readonly string[];
}

/** A regular expression that cannot be given Python's meaning. */
export class RegexpSyntaxError extends Error {
  override readonly name = 'RegexpSyntaxError';
}

/** Contents of character classes; the `not…` ones for use inside a class, where `u` knows no nesting. */
interface Classes {
  readonly digit: string;
  readonly word: string;
  readonly space: string;
  readonly notDigit: string;
  readonly notWord: string;
  readonly notSpace: string;
}

/** Python 2's `isspace` is wider than JavaScript's in the control characters and lacks U+FEFF. */
const UNICODE_CLASSES: Classes = {
  digit: '\\p{Nd}',
  word: '\\p{L}\\p{N}_',
  space: ' \\t-\\r\\x1c-\\x1f\\x85\\xa0\\u1680\\u180e\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000',
  notDigit: '\\P{Nd}',
  // All other general categories; of the connectors (Pc) all but the underscore.
  notWord: '\\p{M}\\p{S}\\p{Z}\\p{C}\\p{Pd}\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}\\p{Po}'
    + '\\u203f\\u2040\\u2054\\ufe33\\ufe34\\ufe4d-\\ufe4f\\uff3f',
  notSpace: '\\0-\\x08\\x0e-\\x1b!-\\x84\\x86-\\x9f\\xa1-\\u167f\\u1681-\\u180d\\u180f-\\u1fff\\u200b-\\u2027'
    + '\\u202a-\\u202e\\u2030-\\u205e\\u2060-\\u2fff\\u3001-\\u{10ffff}',
};
const ASCII_CLASSES: Classes = {
  digit: '0-9', word: '0-9A-Za-z_', space: ' \\t-\\r',
  notDigit: '\\0-/:-\\u{10ffff}', notWord: '\\0-/:-@\\[-\\^`{-\\u{10ffff}', notSpace: '\\0-\\x08\\x0e-\\x1f!-\\u{10ffff}',
};

const CONTROL_ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11, a: 7 };

export function translatePythonRegexp(regexp: string, options: { readonly unicode: boolean }): TranslatedRegexp {
  return new Translator(regexp, options.unicode ? UNICODE_CLASSES : ASCII_CLASSES).translate();
}

class Translator {
  private at = 0;
  private readonly out: string[] = [];
  private readonly groups: string[] = [];

  constructor(private readonly text: string, private readonly classes: Classes) {}

  translate(): TranslatedRegexp {
    while (this.at < this.text.length) this.out.push(this.next());
    return { source: this.out.join(''), groups: this.groups };
  }

  private next(): string {
    const character = this.take();
    switch (character) {
      case '\\': return this.escapeOutsideClass();
      case '[': return this.characterClass();
      case '(': return this.group();
      case '.': return '[^\\n]';
      case '$': return '(?=\\n?$)';
      case '{': return this.repetition();
      case ')': case '|': case '*': case '+': case '?': case '^': return character;
      default: return literal(character);
    }
  }

  private take(): string {
    const point = this.text.codePointAt(this.at);
    if (point === undefined) throw new RegexpSyntaxError('ends in the middle of an escape, a group or a class');
    const character = String.fromCodePoint(point);
    this.at += character.length;
    return character;
  }

  private escapeOutsideClass(): string {
    const character = this.take();
    const { digit, word, space } = this.classes;
    switch (character) {
      case 'd': return `[${digit}]`;
      case 'D': return `[^${digit}]`;
      case 'w': return `[${word}]`;
      case 'W': return `[^${word}]`;
      case 's': return `[${space}]`;
      case 'S': return `[^${space}]`;
      case 'b': return `(?:(?<=[${word}])(?![${word}])|(?<![${word}])(?=[${word}]))`;
      case 'B': return `(?:(?<=[${word}])(?=[${word}])|(?<![${word}])(?![${word}]))`;
      case 'A': return '^';
      case 'Z': return '$';
      default: return codePoint(this.escapedCodePoint(character));
    }
  }

  /** The character that an escape stands for; `\q` of any other letter is the letter, as in Python 2. */
  private escapedCodePoint(character: string): number {
    const control = Object.hasOwn(CONTROL_ESCAPES, character) ? CONTROL_ESCAPES[character] : undefined;
    if (control !== undefined) return control;
    if (character === 'x') return this.digits(/[0-9A-Fa-f]{2}/y, 16);
    if (character === 'u') return this.digits(/[0-9A-Fa-f]{4}/y, 16);
    if (character === '0') return this.optionalOctal();
    if (/[1-9]/.test(character)) throw new RegexpSyntaxError(`refers back to group ${character}, which is not supported`);
    return character.codePointAt(0) ?? 0;
  }

  private digits(pattern: RegExp, base: number): number {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) throw new RegexpSyntaxError('has a broken \\x or \\u escape');
    this.at += match[0].length;
    return Number.parseInt(match[0], base);
  }

  private optionalOctal(): number {
    const match = /^[0-7]{1,2}/.exec(this.text.slice(this.at, this.at + 2));
    if (match === null) return 0;
    this.at += match[0].length;
    return Number.parseInt(match[0], 8);
  }

  private group(): string {
    const rest = this.text.slice(this.at, this.at + 4);
    if (!rest.startsWith('?')) return '(?:';
    for (const prefix of ['?:', '?=', '?!', '?<=', '?<!']) {
      if (!rest.startsWith(prefix)) continue;
      this.at += prefix.length;
      return `(${prefix}`;
    }
    if (rest.startsWith('?#')) return this.comment();
    if (rest.startsWith('?P<')) return this.namedGroup();
    throw new RegexpSyntaxError(`uses "(${rest.slice(0, 3)}", which is not supported`);
  }

  private comment(): string {
    const end = this.text.indexOf(')', this.at);
    if (end < 0) throw new RegexpSyntaxError('has a comment without end');
    this.at = end + 1;
    return '';
  }

  private namedGroup(): string {
    const end = this.text.indexOf('>', this.at);
    const name = end < 0 ? '' : this.text.slice(this.at + 3, end);
    if (!/^[A-Za-z_]\w*$/.test(name)) throw new RegexpSyntaxError('has a group with a bad name');
    if (this.groups.includes(name)) throw new RegexpSyntaxError(`defines group ${name} twice`);
    this.groups.push(name);
    this.at = end + 1;
    return '(';
  }

  /** `{` begins a repetition only in one of Python's forms; else it is the character. */
  private repetition(): string {
    const form = /(\d*)(,?)(\d*)\}/y;
    form.lastIndex = this.at;
    const match = form.exec(this.text);
    if (match === null || match[0] === '}') return '\\{';
    this.at += match[0].length;
    const [, least = '', comma = '', most = ''] = match;
    return `{${least === '' ? '0' : least}${comma}${most}}`;
  }

  private characterClass(): string {
    const negated = this.text[this.at] === '^';
    if (negated) this.at += 1;
    const items: string[] = [];
    for (let first = true; ; first = false) {
      const character = this.take();
      if (character === ']' && !first) break;
      const from = character === '\\' ? this.escapeInClass() : (character.codePointAt(0) ?? 0);
      const isRange = this.text[this.at] === '-' && this.text[this.at + 1] !== ']' && this.at + 1 < this.text.length;
      if (!isRange) {
        items.push(typeof from === 'string' ? from : classPoint(from));
        continue;
      }
      this.at += 1;
      const end = this.take();
      const to = end === '\\' ? this.escapeInClass() : (end.codePointAt(0) ?? 0);
      if (typeof from === 'string' || typeof to === 'string' || to < from) {
        throw new RegexpSyntaxError('has a bad range in a character class');
      }
      items.push(`${classPoint(from)}-${classPoint(to)}`);
    }
    return `[${negated ? '^' : ''}${items.join('')}]`;
  }

  private escapeInClass(): string | number {
    const character = this.take();
    const { digit, word, space, notDigit, notWord, notSpace } = this.classes;
    switch (character) {
      case 'd': return digit;
      case 'D': return notDigit;
      case 'w': return word;
      case 'W': return notWord;
      case 's': return space;
      case 'S': return notSpace;
      case 'b': return 8;
      default: return this.escapedCodePoint(character);
    }
  }
}

function codePoint(point: number): string {
  return literal(String.fromCodePoint(point));
}

function literal(character: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

/** Inside a class only letters and digits go bare: marks may have a meaning. */
function classPoint(point: number): string {
  const character = String.fromCodePoint(point);
  if (/[0-9A-Za-z]/.test(character)) return character;
  return `\\u{${point.toString(16)}}`;
}
