import { foldCharacter } from './required-literals';

/** States of one scanner; each has a row of at most 256 bytes. */
const STATES_MOST = 65_535;
/** Literals are cut to the first of these lengths with which there are few enough states. */
const LENGTHS = [24, 12, 8, 6, 4, 3, 2] as const;

/** Longer texts take the slower way. */
const BYTES = 64 * 1024;
const encoder = new TextEncoder();

interface Node {
  readonly next: Map<number, Node>;
  /** Literals that end here, those of suffixes included. */
  literals: number[];
  fallback: Node | undefined;
  state: number;
}

/**
 * Finds which of many literals appear in a text, in one pass over it (Aho–Corasick as a table). Case is ignored as
 * `iu` ignores it in ASCII. A long literal may be cut, so that what is found is at least what is there.
 */
export class LiteralScanner {
  /** After a scan: true only if all characters were ASCII. */
  isAscii = true;
  /** Character → column of the table; column 0 is any character that no literal has. */
  private readonly columns = new Uint8Array(128);
  /** A row of the table has this power of two of columns. */
  private readonly shift: number;
  /** State × column → next state. */
  private table = new Uint16Array(0);
  /** States from this one on end literals. */
  private firstEnd = 0;
  /** What the state n after the first end sets, words and bits: from `settingsFrom[n]` to `settingsFrom[n + 1]`. */
  private settingsFrom = new Uint32Array(0);
  private settings = new Uint32Array(0);
  /** State after the first end → the scan that met it last. */
  private metIn = new Uint32Array(0);
  /** Literal → the states after the first end in which it ends. */
  private readonly statesOf: number[][];
  private scanNumber = 0;
  private readonly longest: number;
  private readonly bytes = new Uint8Array(BYTES);
  /** Pairs of states met, of which one at least ends literals. */
  private readonly hits = new Uint32Array(BYTES + 1);

  /** ASCII literals, folded, and for each the numbers of the bits that a scan sets if it appears. */
  constructor(literals: readonly string[], bits: readonly (readonly number[])[]) {
    this.statesOf = literals.map(() => []);
    const characters = [...new Set(literals.join(''))];
    this.shift = 32 - Math.clz32(characters.length);
    characters.forEach((character, index) => { this.columns[character.charCodeAt(0)] = index + 1; });
    for (let code = 65; code <= 90; code += 1) this.columns[code] = this.columns[foldCharacter(code)] ?? 0;
    const length = this.lengthThatFits(literals);
    const cut = literals.map((literal) => literal.slice(0, length));
    this.longest = Math.max(1, ...cut.map((literal) => literal.length));
    this.build(cut, bits);
  }

  /** Was the literal, by its index, in the text scanned last? */
  saw(literal: number): boolean {
    for (const state of this.statesOf[literal] as readonly number[]) {
      if (this.metIn[state] === this.scanNumber) return true;
    }
    return false;
  }

  /** Sets in `into` the bits of all literals that appear, 32 a word. */
  scan(text: string, into: Uint32Array): void {
    this.scanNumber = this.scanNumber === 0xffff_ffff ? this.restart() : this.scanNumber + 1;
    const length = text.length > this.bytes.length ? -1 : encoder.encodeInto(text, this.bytes).written;
    this.isAscii = length === text.length;
    if (this.isAscii) this.scanBytes(length, into);
    else this.scanCharacters(text, into);
  }

  /**
   * Bytes are read several times as fast as a string's characters. Each step waits for the state of the one before, so
   * that the halves of a text are read side by side: the second begins so early that no literal is torn.
   */
  private scanBytes(length: number, into: Uint32Array): void {
    const { table, columns, bytes, shift, hits, firstEnd } = this;
    const lastInner = firstEnd - 1;
    const half = Math.min(length, (length + this.longest) >>> 1);
    const gap = length - half;
    let first = 0;
    let second = 0;
    let count = 0;
    for (let at = 0; at < half; at += 1) {
      first = table[(first << shift) + (columns[bytes[at] as number] as number)] as number;
      second = table[(second << shift) + (columns[bytes[at + gap] as number] as number)] as number;
      // Without a branch, which nobody could foretell: 1 if a state ends literals.
      hits[count] = (first << 16) | second;
      count = (count + (((lastInner - first) | (lastInner - second)) >>> 31)) | 0;
    }
    for (let hit = 0; hit < count; hit += 1) {
      const states = hits[hit] as number;
      if (states >>> 16 >= firstEnd) this.meet(states >>> 16, into);
      if ((states & 0xffff) >= firstEnd) this.meet(states & 0xffff, into);
    }
  }

  private scanCharacters(text: string, into: Uint32Array): void {
    const { table, columns, firstEnd, shift } = this;
    let state = 0;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      const column = code < 128 ? columns[code] as number : this.foreignColumn(code);
      state = table[(state << shift) + column] as number;
      if (state >= firstEnd) this.meet(state, into);
    }
  }

  private foreignColumn(code: number): number {
    const folded = foldCharacter(code);
    return folded < 128 ? this.columns[folded] ?? 0 : 0;
  }

  private meet(state: number, into: Uint32Array): void {
    const { settings, settingsFrom, metIn, scanNumber } = this;
    const end = state - this.firstEnd;
    if (metIn[end] === scanNumber) return;
    metIn[end] = scanNumber;
    const to = settingsFrom[end + 1] as number;
    for (let at = settingsFrom[end] as number; at < to; at += 2) {
      const word = settings[at] as number;
      into[word] = (into[word] as number) | (settings[at + 1] as number);
    }
  }

  private restart(): number {
    this.metIn.fill(0);
    return 1;
  }

  private lengthThatFits(literals: readonly string[]): number {
    const states = (length: number): number => (
      1 + literals.reduce((sum, literal) => sum + Math.min(length, literal.length), 0));
    return LENGTHS.find((length) => states(length) <= STATES_MOST) ?? 1;
  }

  private build(literals: readonly string[], bits: readonly (readonly number[])[]): void {
    const root = newNode();
    literals.forEach((literal, index) => {
      let node = root;
      for (let at = 0; at < literal.length; at += 1) {
        const column = this.columns[literal.charCodeAt(at)] ?? 0;
        const next = node.next.get(column) ?? newNode();
        node.next.set(column, next);
        node = next;
      }
      node.literals.push(index);
    });
    const nodes = linked(root);
    const inner = nodes.filter(({ literals: ending }) => ending.length === 0);
    const ends = nodes.filter(({ literals: ending }) => ending.length > 0);
    [...inner, ...ends].forEach((node, index) => { node.state = index; });
    this.firstEnd = inner.length;
    this.metIn = new Uint32Array(ends.length);
    ends.forEach(({ literals: ending }, end) => {
      for (const literal of ending) this.statesOf[literal]?.push(end);
    });
    const settings = ends.map(({ literals: ending }) => wordsOf(ending.flatMap((literal) => bits[literal] ?? [])));
    this.settings = Uint32Array.from(settings.flat());
    this.settingsFrom = new Uint32Array(ends.length + 1);
    settings.forEach(({ length }, end) => {
      this.settingsFrom[end + 1] = (this.settingsFrom[end] ?? 0) + length;
    });
    const width = 1 << this.shift;
    this.table = new Uint16Array(nodes.length * width);
    // In breadth-first order the row of the fallback is complete before it is copied.
    for (const node of nodes) {
      if (node.fallback !== undefined) {
        this.table.copyWithin(node.state * width, node.fallback.state * width, (node.fallback.state + 1) * width);
      }
      for (const [column, next] of node.next) this.table[node.state * width + column] = next.state;
    }
  }
}

/** The words of a set of bits that are not empty: number of the word and its bits, in turns. */
function wordsOf(bits: readonly number[]): readonly number[] {
  const words = new Map<number, number>();
  for (const bit of bits) words.set(bit >>> 5, (words.get(bit >>> 5) ?? 0) | (1 << (bit & 31)));
  return [...words].flat();
}

function newNode(): Node {
  return { next: new Map(), literals: [], fallback: undefined, state: 0 };
}

/** All nodes breadth-first, each linked to that of its longest proper suffix. */
function linked(root: Node): readonly Node[] {
  const nodes = [root];
  for (const node of nodes) {
    for (const [column, child] of node.next) {
      let fallback = node.fallback;
      while (fallback !== undefined && !fallback.next.has(column)) fallback = fallback.fallback;
      child.fallback = fallback?.next.get(column) ?? root;
      child.literals = [...new Set([...child.literals, ...child.fallback.literals])];
      nodes.push(child);
    }
  }
  return nodes;
}
