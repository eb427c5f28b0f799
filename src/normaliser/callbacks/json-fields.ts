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

const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const DOLLAR = 0x24;

class JsonReader {
  private at = 0;

  constructor(private readonly text: string, private readonly found: (path: string, value: string) => void) {}

  readAll(): boolean {
    if (this.text.charCodeAt(0) !== OBJECT) return false;
    this.object('', 1);
    return this.at === this.text.length;
  }

  private value(path: string, depth: number): void {
    const next = this.peek();
    if (next === OBJECT && depth <= DEPTH) {
      this.object(path, depth);
    } else if (next === OBJECT) {
      this.found(path, this.composite());
    } else if (next === ARRAY) {
      this.array(path);
    } else {
      const value = this.scalar();
      if (value !== undefined) this.found(path, value);
    }
  }

  private object(path: string, depth: number): void {
    this.expect(OBJECT);
    if (this.skip(OBJECT_END)) return;
    do {
      this.peek();
      const key = this.string();
      this.expect(COLON);
      this.value(key.charCodeAt(0) === DOLLAR ? path : path === '' ? key : `${path}.${key}`, depth + 1);
    } while (this.skip(COMMA));
    this.expect(OBJECT_END);
  }

  private array(path: string): void {
    const start = this.at;
    let plain = true;
    const values: string[] = [];
    this.expect(ARRAY);
    if (this.skip(ARRAY_END)) return;
    do {
      const next = this.peek();
      if (next === OBJECT || next === ARRAY) {
        plain = false;
        this.composite();
      } else {
        const value = this.scalar();
        if (value !== undefined) values.push(value);
      }
    } while (this.skip(COMMA));
    this.expect(ARRAY_END);
    this.found(path, plain ? values.join(',') : this.text.slice(start, this.at));
  }

  /** The text of an object or array, without looking at more than its brackets: it may be nested without bound. */
  private composite(): string {
    const start = this.at;
    let open = 0;
    do {
      const next = this.text.charCodeAt(this.at);
      if (next === QUOTE) {
        this.string();
        continue;
      }
      if (next === OBJECT || next === ARRAY) open += 1;
      else if (next === OBJECT_END || next === ARRAY_END) open -= 1;
      else if (Number.isNaN(next)) throw new NotJson();
      this.at += 1;
    } while (open > 0);
    return this.text.slice(start, this.at);
  }

  /** Undefined: null. */
  private scalar(): string | undefined {
    if (this.peek() === QUOTE) return this.string();
    SCALAR.lastIndex = this.at;
    const match = SCALAR.exec(this.text)?.[0];
    if (match === undefined) throw new NotJson();
    this.at += match.length;
    return match === 'null' ? undefined : match;
  }

  private string(): string {
    const { text } = this;
    if (text.charCodeAt(this.at) !== QUOTE) throw new NotJson();
    const start = this.at + 1;
    let end = text.indexOf('"', start);
    while (end >= 0 && this.isEscaped(end, start)) end = text.indexOf('"', end + 1);
    if (end < 0) throw new NotJson();
    this.at = end + 1;
    const raw = text.slice(start, end);
    return raw.includes('\\') ? unescaped(raw) : raw;
  }

  private isEscaped(at: number, start: number): boolean {
    let backslashes = 0;
    while (at - backslashes > start && this.text.charCodeAt(at - backslashes - 1) === BACKSLASH) backslashes += 1;
    return backslashes % 2 === 1;
  }

  /** The code of the next character that is no white space; NaN at the end. */
  private peek(): number {
    const { text } = this;
    let code = text.charCodeAt(this.at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
      this.at += 1;
      code = text.charCodeAt(this.at);
    }
    return code;
  }

  private skip(code: number): boolean {
    if (this.peek() !== code) return false;
    this.at += 1;
    return true;
  }

  private expect(code: number): void {
    if (!this.skip(code)) throw new NotJson();
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
