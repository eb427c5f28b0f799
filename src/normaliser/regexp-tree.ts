/**
 * A regular expression as a tree, for what is derived from it: the ASCII form and the literals that must appear.
 * It reads the JavaScript that `translatePythonRegexp` writes.
 */
export type RegexpNode =
  /** One character; `source` is a class or a (perhaps escaped) character, for the `u` flag. */
  | { readonly kind: 'set'; readonly source: string }
  | { readonly kind: 'sequence'; readonly items: readonly RegexpNode[] }
  | { readonly kind: 'choice'; readonly options: readonly RegexpNode[] }
  | { readonly kind: 'repeat'; readonly item: RegexpNode; readonly least: number; readonly most: number; readonly lazy: boolean }
  | { readonly kind: 'capture'; readonly item: RegexpNode }
  | { readonly kind: 'look'; readonly opening: string; readonly item: RegexpNode }
  /** `^` or `$` of the whole text. */
  | { readonly kind: 'edge'; readonly source: '^' | '$' };

/** Undefined for whatever it does not know for certain: nothing is then derived, and nothing can be derived wrongly. */
export function parseRegexp(source: string): RegexpNode | undefined {
  try {
    return new Parser(source).parse();
  } catch (error) {
    // A RangeError is a stack that a deeply nested expression exhausts.
    if (error instanceof UnknownSyntax || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What a sequence consumes one after another, as if nothing in it were grouped. */
export function stepsOf(items: readonly RegexpNode[]): readonly RegexpNode[] {
  return items.flatMap((item) => {
    if (item.kind === 'sequence') return stepsOf(item.items);
    return item.kind === 'capture' ? stepsOf([item.item]) : [item];
  });
}

class UnknownSyntax extends Error {}

const LOOK_OPENINGS = ['?<=', '?<!', '?=', '?!'] as const;
/** Deeper expressions are left alone. */
const DEPTH_MOST = 200;

class Parser {
  private at = 0;
  private depth = 0;

  constructor(private readonly source: string) {}

  parse(): RegexpNode {
    const node = this.choice();
    if (this.at !== this.source.length) throw new UnknownSyntax();
    return node;
  }

  private choice(): RegexpNode {
    this.depth += 1;
    if (this.depth > DEPTH_MOST) throw new UnknownSyntax();
    const options = [this.sequence()];
    while (this.accept('|')) options.push(this.sequence());
    this.depth -= 1;
    const [only] = options;
    return only !== undefined && options.length === 1 ? only : { kind: 'choice', options };
  }

  private sequence(): RegexpNode {
    const items: RegexpNode[] = [];
    while (this.at < this.source.length && this.source[this.at] !== '|' && this.source[this.at] !== ')') {
      items.push(this.repeated(this.atom()));
    }
    const [only] = items;
    return only !== undefined && items.length === 1 ? only : { kind: 'sequence', items };
  }

  private atom(): RegexpNode {
    const character = this.source[this.at];
    if (character === '(') return this.group();
    if (character === '[') return this.characterClass();
    if (character === '^' || character === '$') {
      this.at += 1;
      return { kind: 'edge', source: character };
    }
    if (character === '\\') return this.escape();
    if (character === undefined || '*+?{}]'.includes(character)) throw new UnknownSyntax();
    const text = String.fromCodePoint(this.source.codePointAt(this.at) ?? 0);
    this.at += text.length;
    return { kind: 'set', source: text };
  }

  private group(): RegexpNode {
    this.at += 1;
    const opening = LOOK_OPENINGS.find((prefix) => this.source.startsWith(prefix, this.at));
    if (opening !== undefined) {
      this.at += opening.length;
      return { kind: 'look', opening, item: this.inside() };
    }
    if (this.accept('?:')) return this.inside();
    if (this.source[this.at] === '?') throw new UnknownSyntax();
    return { kind: 'capture', item: this.inside() };
  }

  private inside(): RegexpNode {
    const node = this.choice();
    if (!this.accept(')')) throw new UnknownSyntax();
    return node;
  }

  /** With the `u` flag every `[` and `]` inside a class is escaped. */
  private characterClass(): RegexpNode {
    const form = /\[\^?(?:\\u\{[0-9a-f]+\}|\\[pP]\{\w+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[^upPx]|[^\]\\[])*\]/uy;
    return this.matched(form);
  }

  private escape(): RegexpNode {
    return this.matched(/\\(?:[\^$\\.*+?()[\]{}|/nrtfv]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]+\})/uy);
  }

  private matched(form: RegExp): RegexpNode {
    form.lastIndex = this.at;
    const [source] = form.exec(this.source) ?? [];
    if (source === undefined) throw new UnknownSyntax();
    this.at += source.length;
    return { kind: 'set', source };
  }

  private repeated(item: RegexpNode): RegexpNode {
    const form = /(?:([*+?])|\{(\d+)(,?)(\d*)\})(\??)/y;
    form.lastIndex = this.at;
    const match = form.exec(this.source);
    if (match === null) return item;
    this.at += match[0].length;
    const [, sign, least = '0', comma = '', most = ''] = match;
    const lazy = match[5] === '?';
    if (sign !== undefined) return { kind: 'repeat', item, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Infinity, lazy };
    const upper = comma === '' ? Number(least) : most === '' ? Infinity : Number(most);
    return { kind: 'repeat', item, least: Number(least), most: upper, lazy };
  }

  private accept(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }
}
