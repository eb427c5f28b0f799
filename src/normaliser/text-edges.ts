import { type AsciiSet, asciiSetOf } from './ascii-form';
import { compileLinear, type LinearProgram } from './linear-program';
import type { RegexpNode } from './regexp-tree';
import { endingOf } from './text-ending';

/** How many first characters are looked at. */
export const BEGINNING = 8;
/** Column of a place beyond the end of the text. */
const END = 128;
const COLUMNS = END + 1;
const LINE_FEED = 10;

/**
 * Which ASCII characters a text may have at each of its first places, or END, if an expression matches at its start;
 * undefined: any, also for the places that follow. It may allow too much, never too little: the ways through the
 * expression are followed without regard to which character led where, and what is asked by looks is left out.
 */
export function beginningsOf(tree: RegexpNode, flags: string): readonly (readonly boolean[] | undefined)[] {
  const program = compileLinear(tree);
  if (program === undefined) return [];
  const places: (readonly boolean[] | undefined)[] = [];
  let reached: ReadonlySet<number> = reachableFrom(program, [0]);
  for (let place = 0; place < BEGINNING; place += 1) {
    const sets: AsciiSet[] = [];
    const next: number[] = [];
    for (const at of reached) {
      const instruction = program.instructions[at];
      if (instruction?.kind === 'match') return places;
      if (instruction?.kind !== 'character') continue;
      sets.push(asciiSetOf(program.sets[instruction.set] ?? '', flags));
      next.push(at + 1);
    }
    places.push(Array.from({ length: END + 1 }, (_, code) => sets.some((set) => set[code] === true)));
    reached = reachableFrom(program, next);
  }
  return places;
}

function reachableFrom({ instructions }: LinearProgram, starts: readonly number[]): ReadonlySet<number> {
  const reached = new Set<number>();
  const open = [...starts];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (reached.has(at)) continue;
    reached.add(at);
    const instruction = instructions[at];
    if (instruction === undefined || instruction.kind === 'character' || instruction.kind === 'match') continue;
    if (instruction.kind === 'jump') open.push(instruction.to);
    else if (instruction.kind === 'split') open.push(instruction.first, instruction.second);
    else open.push(at + 1);
  }
  return reached;
}

/** What a pattern asks of the first characters and of the last one of a text. */
export interface Edges {
  readonly beginnings: readonly (readonly boolean[] | undefined)[];
  readonly ending: AsciiSet | undefined;
}

export const NO_EDGES: Edges = { beginnings: [], ending: undefined };

/** `isAnchored`: the expression matches only at the start of a text. */
export function edgesOf(tree: RegexpNode, flags: string, isAnchored: boolean): Edges {
  return { beginnings: isAnchored ? beginningsOf(tree, flags) : [], ending: endingOf(tree, flags) };
}

/** Takes from a set of patterns those that cannot match a text because of its first characters or its last one. */
export class EdgeFilter {
  /** By place, column and word, the patterns that allow it, as bits. The place after the beginning is the end. */
  private readonly allowed: Uint32Array;
  /** Where the rows for the text at hand begin. */
  private readonly rows = new Uint32Array(BEGINNING + 1);

  /** `words` is the length of the sets in words of 32 bits. */
  constructor(patterns: readonly Edges[], private readonly words: number) {
    this.allowed = new Uint32Array((BEGINNING + 1) * COLUMNS * words);
    for (let place = 0; place <= BEGINNING; place += 1) {
      for (let column = 0; column < COLUMNS; column += 1) {
        const row = (place * COLUMNS + column) * words;
        patterns.forEach(({ beginnings, ending }, pattern) => {
          const allowed = place === BEGINNING ? ending : beginnings[place];
          if (allowed?.[column] === false) return;
          const word = row + (pattern >>> 5);
          this.allowed[word] = (this.allowed[word] ?? 0) | (1 << (pattern & 31));
        });
      }
    }
  }

  /** From one word to before another, `into` becomes `from` without the patterns that cannot match. */
  apply(text: string, from: Uint32Array, into: Uint32Array, firstWord: number, endWord: number): void {
    const { allowed, rows } = this;
    const count = this.lookAt(text);
    for (let word = firstWord; word < endWord; word += 1) {
      let bits = from[word] as number;
      // Most words are empty: few patterns have their literals in a text.
      for (let row = 0; row < count && bits !== 0; row += 1) {
        bits &= allowed[(rows[row] as number) + word] as number;
      }
      into[word] = bits;
    }
  }

  /** Finds the rows for the text; returns how many there are. Of characters beyond ASCII nothing is known. */
  private lookAt(text: string): number {
    const { rows, words } = this;
    const { length } = text;
    let count = 0;
    for (; count < BEGINNING; count += 1) {
      const code = count < length ? text.charCodeAt(count) : END;
      if (code >= 128 && count < length) break;
      rows[count] = (count * COLUMNS + code) * words;
    }
    const last = length === 0 ? LINE_FEED : text.charCodeAt(length - 1);
    // An expression may end before a final line feed.
    if (last >= 128 || last === LINE_FEED) return count;
    rows[count] = (BEGINNING * COLUMNS + last) * words;
    return count + 1;
  }
}
