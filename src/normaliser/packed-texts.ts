/**
 * Texts in a row, in two strings: V8 keeps a string of Latin-1 in one byte a character, and what is cut from it is
 * searched several times as fast. One other character would make the whole row wide.
 */
export interface PackedTexts {
  readonly latin: string;
  readonly wide: string;
}

// Costs next to nothing for a text that is kept in one byte a character: there no such character can be.
const BEYOND_LATIN = /[^\0-\xff]/;

export function isWide(text: string): boolean {
  return BEYOND_LATIN.test(text);
}

export class TextPacker {
  private readonly latin: string[] = [];
  private readonly wide: string[] = [];

  /** Any text may be added as wide. */
  add(text: string, wide: boolean): void {
    (wide ? this.wide : this.latin).push(text);
  }

  pack(): PackedTexts {
    return { latin: this.latin.join(''), wide: this.wide.join('') };
  }
}

/** Reads texts in the order in which they were packed. */
export class TextReader {
  private latinAt = 0;
  private wideAt = 0;

  constructor(private readonly packed: PackedTexts) {}

  /** The next text of `length` UTF-16 units. */
  next(length: number, wide: boolean): string {
    if (wide) return this.packed.wide.slice(this.wideAt, this.wideAt += length);
    return this.packed.latin.slice(this.latinAt, this.latinAt += length);
  }
}
