/** Tells which patterns, known by their numbers, may match a text. What it rules out cannot match. */
export interface PatternFilter {
  /**
   * Looks at a text for the patterns from `first` to before `end`; what is asked then is about them and it, until the
   * next call.
   */
  look(text: string, first: number, end: number): void;
  /** False: the text may have characters beyond ASCII. */
  readonly isAscii: boolean;
  /** The first candidate from `from` on; a number beyond all patterns: none. */
  next(from: number): number;
  /** Asked of a candidate, before it is tried. */
  mayMatch(pattern: number): boolean;
}

/** Every pattern is a candidate. */
export class NoFilter implements PatternFilter {
  private text = '';
  /** Undefined: nobody has asked yet. */
  private known: boolean | undefined;

  get isAscii(): boolean {
    return this.known ??= isAscii(this.text);
  }

  look(text: string): void {
    if (text === this.text) return;
    this.text = text;
    this.known = undefined;
  }

  next(from: number): number {
    return from;
  }

  mayMatch(): boolean {
    return true;
  }
}

/** By a loop, for most of the texts are so short that a regular expression takes longer. */
function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 127) return false;
  return true;
}
