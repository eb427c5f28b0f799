import type { FieldReader } from './field-rows';

/** Levels that become paths; what lies deeper is one field, as JSON text. */
const DEPTH = 8;
const SCALAR = /(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=[\s,\]}])/y;

/**
 * The fields of one JSON object (RFC 8259). A path is the keys joined by `.`; a key that begins with `$`, as in
 * MongoDB's extended JSON, adds nothing to it. Numbers keep their digits as written. An array of plain values is one
 * field, joined by `,`; one with objects or arrays in it is one field, as JSON text. Null is no field.
 */
export const readJson: FieldReader = (text, found) => {
  const reader = new JsonReader(text.trim(), found);
  try {
    return reader.readAll();
  } catch (error) {
    if (error instanceof NotJson) return false;
    throw error;
  }
};

class NotJson extends Error {}

class JsonReader {
  private at = 0;

  constructor(private readonly text: string, private readonly found: (path: string, value: string) => void) {}

  readAll(): boolean {
    if (this.text.charAt(0) !== '{') return false;
    this.object('', 1);
    return this.at === this.text.length;
  }

  private value(path: string, depth: number): void {
    const next = this.peek();
    if (next === '{' && depth <= DEPTH) this.object(path, depth);
    else if (next === '{') this.found(path, this.composite());
    else if (next === '[') this.array(path);
    else this.scalar((value) => { this.found(path, value); });
  }

  private object(path: string, depth: number): void {
    this.expect('{');
    if (this.skip('}')) return;
    do {
      this.peek();
      const key = this.string();
      this.expect(':');
      this.value(key.startsWith('$') ? path : path === '' ? key : `${path}.${key}`, depth + 1);
    } while (this.skip(','));
    this.expect('}');
  }

  private array(path: string): void {
    const start = this.at;
    let plain = true;
    const values: string[] = [];
    this.expect('[');
    if (this.skip(']')) return;
    do {
      const next = this.peek();
      if (next === '{' || next === '[') {
        plain = false;
        this.composite();
      } else {
        this.scalar((value) => { values.push(value); });
      }
    } while (this.skip(','));
    this.expect(']');
    this.found(path, plain ? values.join(',') : this.text.slice(start, this.at));
  }

  /** The text of an object or array, without looking at more than its brackets: it may be nested without bound. */
  private composite(): string {
    const start = this.at;
    let open = 0;
    do {
      const next = this.text.charAt(this.at);
      if (next === '"') {
        this.string();
        continue;
      }
      if (next === '{' || next === '[') open += 1;
      else if (next === '}' || next === ']') open -= 1;
      else if (next === '') throw new NotJson();
      this.at += 1;
    } while (open > 0);
    return this.text.slice(start, this.at);
  }

  private scalar(take: (value: string) => void): void {
    if (this.peek() === '"') {
      take(this.string());
      return;
    }
    SCALAR.lastIndex = this.at;
    const match = SCALAR.exec(this.text)?.[0];
    if (match === undefined) throw new NotJson();
    this.at += match.length;
    if (match !== 'null') take(match);
  }

  private string(): string {
    if (this.text.charAt(this.at) !== '"') throw new NotJson();
    const start = this.at + 1;
    let end = this.text.indexOf('"', start);
    while (end >= 0 && this.isEscaped(end, start)) end = this.text.indexOf('"', end + 1);
    if (end < 0) throw new NotJson();
    this.at = end + 1;
    const raw = this.text.slice(start, end);
    return raw.includes('\\') ? unescaped(raw) : raw;
  }

  private isEscaped(at: number, start: number): boolean {
    let backslashes = 0;
    while (at - backslashes > start && this.text.charAt(at - backslashes - 1) === '\\') backslashes += 1;
    return backslashes % 2 === 1;
  }

  /** The next character that is no white space. */
  private peek(): string {
    while (' \t\r\n'.includes(this.text.charAt(this.at)) && this.at < this.text.length) this.at += 1;
    return this.text.charAt(this.at);
  }

  private skip(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at += 1;
    return true;
  }

  private expect(character: string): void {
    if (!this.skip(character)) throw new NotJson();
  }
}

/** Escapes that JSON does not have, which nginx and others write, are left as they are. */
function unescaped(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}
