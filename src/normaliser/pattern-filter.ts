/** Tells which patterns, known by their numbers, may match a text. What it rules out cannot match. */
export interface PatternFilter {
  /** Looks at a text; what is asked then is about it, until the next call. */
  look(text: string): void;
  /** False: the text may have characters beyond ASCII. */
  readonly isAscii: boolean;
  /** The first candidate from `from` on; Infinity: none. */
  next(from: number): number;
  /** Asked of a candidate, before it is tried. */
  mayMatch(pattern: number): boolean;
}

const ASCII = /^[\0-\x7f]*$/;

/** Every pattern is a candidate. */
export class NoFilter implements PatternFilter {
  isAscii = false;

  look(text: string): void {
    this.isAscii = ASCII.test(text);
  }

  next(from: number): number {
    return from;
  }

  mayMatch(): boolean {
    return true;
  }
}
