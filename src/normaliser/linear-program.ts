import type { RegexpNode } from './regexp-tree';

/** One step of a program for LinearMatcher; numbers are addresses of instructions. */
export type Instruction =
  /** One character of a set, by its number in `LinearProgram.sets`. */
  | { readonly kind: 'character'; readonly set: number }
  /** Both ways, `first` preferred. */
  | { kind: 'split'; first: number; second: number }
  | { kind: 'jump'; to: number }
  | { readonly kind: 'save'; readonly slot: number }
  /** Forgets captures from slot `from` to before `to`, as each round of a repetition does. */
  | { readonly kind: 'clear'; readonly from: number; readonly to: number }
  /** Goes on only if something was read since the place was saved in `slot`. */
  | { readonly kind: 'progress'; readonly slot: number }
  | { readonly kind: 'edge'; readonly source: '^' | '$' }
  | { readonly kind: 'look'; readonly program: LinearProgram; readonly negated: boolean }
  | { readonly kind: 'match' };

export interface LinearProgram {
  readonly instructions: readonly Instruction[];
  /** Sources of the sets of characters; those of the looks inside are among them. */
  readonly sets: readonly string[];
  readonly captures: number;
  /** Two slots for the whole match, two a capture, and one for each repetition whose rounds may be empty. */
  readonly slots: number;
  /** Reads towards the start of the text, as what stands in a lookbehind. */
  readonly backward: boolean;
}

/** Counted repetitions are written out, so that a program may become long. */
const INSTRUCTIONS_MOST = 20_000;

/** Undefined when it would be too long, or has captures where a look only asks. */
export function compileLinear(node: RegexpNode): LinearProgram | undefined {
  try {
    return new ProgramWriter(false, []).write(node);
  } catch (error) {
    if (error instanceof NotLinear) return undefined;
    throw error;
  }
}

class NotLinear extends Error {}

class ProgramWriter {
  private readonly out: Instruction[] = [];
  private captures = 0;
  private slots = 2;

  constructor(private readonly backward: boolean, private readonly sets: string[]) {}

  write(node: RegexpNode): LinearProgram {
    this.slots = 2 + 2 * capturesIn(node);
    this.node(node);
    this.emit({ kind: 'match' });
    const { sets, captures, slots, backward } = this;
    return { instructions: this.out, sets, captures, slots, backward };
  }

  private emit<T extends Instruction>(instruction: T): T {
    if (this.out.length >= INSTRUCTIONS_MOST) throw new NotLinear();
    this.out.push(instruction);
    return instruction;
  }

  private setOf(source: string): number {
    const known = this.sets.indexOf(source);
    return known >= 0 ? known : this.sets.push(source) - 1;
  }

  private node(node: RegexpNode): void {
    switch (node.kind) {
      case 'set': this.emit({ kind: 'character', set: this.setOf(node.source) }); return;
      case 'edge': this.emit({ kind: 'edge', source: node.source }); return;
      case 'sequence': for (const item of this.backward ? [...node.items].reverse() : node.items) this.node(item); return;
      case 'choice': this.choice(node.options); return;
      case 'repeat': this.repeat(node); return;
      case 'capture': this.capture(node.item); return;
      case 'look': this.look(node.opening, node.item);
    }
  }

  private choice(options: readonly RegexpNode[]): void {
    const ends: { to: number }[] = [];
    options.forEach((option, index) => {
      if (index === options.length - 1) {
        this.node(option);
        return;
      }
      const split = this.emit<Instruction & { kind: 'split' }>({ kind: 'split', first: this.out.length + 1, second: 0 });
      this.node(option);
      ends.push(this.emit<Instruction & { kind: 'jump' }>({ kind: 'jump', to: 0 }));
      split.second = this.out.length;
    });
    for (const end of ends) end.to = this.out.length;
  }

  private repeat({ item, least, most, lazy }: RegexpNode & { kind: 'repeat' }): void {
    const firstCapture = this.captures;
    const round = (): void => {
      // Every copy writes the same captures.
      this.captures = firstCapture;
      const slots = 2 * capturesIn(item);
      if (slots > 0) this.emit({ kind: 'clear', from: 2 + 2 * firstCapture, to: 2 + 2 * firstCapture + slots });
      this.node(item);
    };
    for (let count = 0; count < least; count += 1) round();
    const leave: (() => void)[] = [];
    const start = this.out.length;
    for (let count = least; count < (most === Infinity ? least + 1 : most); count += 1) {
      leave.push(this.optional(lazy, () => { this.unlessEmpty(item, round); }));
    }
    if (most === Infinity) this.emit({ kind: 'jump', to: start });
    for (const end of leave) end();
  }

  /** Writes `body` as something that may be left out; what is returned is called where it ends. */
  private optional(lazy: boolean, body: () => void): () => void {
    const split = this.emit<Instruction & { kind: 'split' }>({ kind: 'split', first: 0, second: 0 });
    const inside = this.out.length;
    body();
    return () => { [split.first, split.second] = lazy ? [this.out.length, inside] : [inside, this.out.length]; };
  }

  /** A round that need not be must not be empty (ECMAScript, RepeatMatcher step 2.b). */
  private unlessEmpty(item: RegexpNode, round: () => void): void {
    if (!mayBeEmpty(item)) {
      round();
      return;
    }
    const slot = this.slots;
    this.slots += 1;
    this.emit({ kind: 'save', slot });
    round();
    this.emit({ kind: 'progress', slot });
  }

  private capture(item: RegexpNode): void {
    const slot = 2 + 2 * this.captures;
    this.captures += 1;
    this.emit({ kind: 'save', slot });
    this.node(item);
    this.emit({ kind: 'save', slot: slot + 1 });
  }

  private look(opening: string, item: RegexpNode): void {
    const program = new ProgramWriter(opening.startsWith('?<'), this.sets).write(item);
    if (program.captures > 0) throw new NotLinear();
    this.emit({ kind: 'look', program, negated: opening.endsWith('!') });
  }
}

function capturesIn(node: RegexpNode): number {
  switch (node.kind) {
    case 'set': case 'edge': return 0;
    case 'capture': return 1 + capturesIn(node.item);
    case 'look': case 'repeat': return capturesIn(node.item);
    case 'sequence': return node.items.reduce((sum, item) => sum + capturesIn(item), 0);
    case 'choice': return node.options.reduce((sum, option) => sum + capturesIn(option), 0);
  }
}

function mayBeEmpty(node: RegexpNode): boolean {
  switch (node.kind) {
    case 'set': return false;
    case 'edge': case 'look': return true;
    case 'capture': return mayBeEmpty(node.item);
    case 'repeat': return node.least === 0 || mayBeEmpty(node.item);
    case 'sequence': return node.items.every(mayBeEmpty);
    case 'choice': return node.options.some(mayBeEmpty);
  }
}
