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
  /** Literals by state: those of the state n after the first end are from `endsFrom[n]` to before `endsFrom[n + 1]`. */
  private ends = new Uint32Array(0);
  private endsFrom = new Uint32Array(0);
  /** State after the first end → the scan that met it last. */
  private reportedIn = new Uint32Array(0);
  /** Literal → the scan that saw it last. */
  private readonly seenIn: Uint32Array;
  private scanNumber = 0;
  private readonly longest: number;
  private readonly bytes = new Uint8Array(BYTES);
  /** States met that end literals. */
  private readonly hits = new Uint16Array(2 * BYTES + 1);

  /** `onSeen` is told once a scan of each literal, by its index, that appears. ASCII literals, folded. */
  constructor(literals: readonly string[], private readonly onSeen: (literal: number) => void) {
    this.seenIn = new Uint32Array(literals.length);
    const characters = [...new Set(literals.join(''))];
    this.shift = 32 - Math.clz32(characters.length);
    characters.forEach((character, index) => { this.columns[character.charCodeAt(0)] = index + 1; });
    for (let code = 65; code <= 90; code += 1) this.columns[code] = this.columns[foldCharacter(code)] ?? 0;
    const length = this.lengthThatFits(literals);
    const cut = literals.map((literal) => literal.slice(0, length));
    this.longest = Math.max(1, ...cut.map((literal) => literal.length));
    this.build(cut);
  }

  /** Was the literal in the text scanned last? */
  saw(literal: number): boolean {
    return this.seenIn[literal] === this.scanNumber;
  }

  scan(text: string): void {
    this.scanNumber = this.scanNumber === 0xffff_ffff ? this.restart() : this.scanNumber + 1;
    const length = text.length > this.bytes.length ? -1 : encoder.encodeInto(text, this.bytes).written;
    this.isAscii = length === text.length;
    if (this.isAscii) this.scanBytes(length);
    else this.scanCharacters(text);
  }

  /**
   * Bytes are read several times as fast as a string's characters. Each step waits for the state of the one before, so
   * that the halves of a text are read side by side: the second begins so early that no literal is torn.
   */
  private scanBytes(length: number): void {
    const { table, columns, bytes, shift, hits } = this;
    const lastInner = this.firstEnd - 1;
    const half = Math.min(length, (length + this.longest) >>> 1);
    const gap = length - half;
    let first = 0;
    let second = 0;
    let count = 0;
    for (let at = 0; at < half; at += 1) {
      first = table[(first << shift) + (columns[bytes[at] as number] as number)] as number;
      second = table[(second << shift) + (columns[bytes[at + gap] as number] as number)] as number;
      // Without a branch, which nobody could foretell: 1 for a state that ends literals.
      hits[count] = first;
      count += (lastInner - first) >>> 31;
      hits[count] = second;
      count += (lastInner - second) >>> 31;
    }
    for (let hit = 0; hit < count; hit += 1) this.report(hits[hit] as number);
  }

  private scanCharacters(text: string): void {
    const { table, columns, firstEnd, shift } = this;
    let state = 0;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      const column = code < 128 ? columns[code] as number : this.foreignColumn(code);
      state = table[(state << shift) + column] as number;
      if (state >= firstEnd) this.report(state);
    }
  }

  private foreignColumn(code: number): number {
    const folded = foldCharacter(code);
    return folded < 128 ? this.columns[folded] ?? 0 : 0;
  }

  private report(state: number): void {
    const { ends, endsFrom, seenIn, scanNumber } = this;
    const end = state - this.firstEnd;
    if (this.reportedIn[end] === scanNumber) return;
    this.reportedIn[end] = scanNumber;
    const to = endsFrom[end + 1] as number;
    for (let at = endsFrom[end] as number; at < to; at += 1) {
      const literal = ends[at] as number;
      if (seenIn[literal] === scanNumber) continue;
      seenIn[literal] = scanNumber;
      this.onSeen(literal);
    }
  }

  private restart(): number {
    this.seenIn.fill(0);
    this.reportedIn.fill(0);
    return 1;
  }

  private lengthThatFits(literals: readonly string[]): number {
    const states = (length: number): number => (
      1 + literals.reduce((sum, literal) => sum + Math.min(length, literal.length), 0));
    return LENGTHS.find((length) => states(length) <= STATES_MOST) ?? 1;
  }

  private build(literals: readonly string[]): void {
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
    this.ends = Uint32Array.from(ends.flatMap(({ literals: ending }) => ending));
    this.endsFrom = new Uint32Array(ends.length + 1);
    ends.forEach(({ literals: ending }, index) => {
      this.endsFrom[index + 1] = (this.endsFrom[index] ?? 0) + ending.length;
    });
    this.reportedIn = new Uint32Array(ends.length);
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
