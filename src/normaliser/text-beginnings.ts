import { type AsciiSet, asciiSetOf } from './ascii-form';
import { compileLinear, type LinearProgram } from './linear-program';
import type { RegexpNode } from './regexp-tree';

/** How many first characters are looked at. */
export const BEGINNING = 8;
/** Column of a place beyond the end of the text. */
const END = 128;

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

/** Takes from a set of patterns those that cannot match a text because of its first characters. */
export class BeginningFilter {
  /** By place and column, the patterns that allow it, as bits. */
  private readonly allowed: readonly (readonly Uint32Array[])[];

  /** By pattern, what `beginningsOf` gave. `words` is the length of the sets in words of 32 bits. */
  constructor(patterns: readonly (readonly (readonly boolean[] | undefined)[])[], words: number) {
    this.allowed = Array.from({ length: BEGINNING }, (_, place) => Array.from({ length: END + 1 }, (__, column) => {
      const bits = new Uint32Array(words);
      patterns.forEach((places, pattern) => {
        if (places[place]?.[column] === false) return;
        bits[pattern >>> 5] = (bits[pattern >>> 5] ?? 0) | (1 << (pattern & 31));
      });
      return bits;
    }));
  }

  /** `into` becomes `from` without the patterns that cannot match. */
  apply(text: string, from: Uint32Array, into: Uint32Array): void {
    into.set(from);
    for (let place = 0; place < BEGINNING; place += 1) {
      const code = place < text.length ? text.charCodeAt(place) : END;
      // Beyond ASCII nothing is known, nor of what follows.
      if (code >= 128 && place < text.length) return;
      const bits = this.allowed[place]?.[code] as Uint32Array;
      for (let word = 0; word < into.length; word += 1) into[word] = (into[word] as number) & (bits[word] as number);
    }
  }
}
