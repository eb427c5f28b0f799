import { asciiSetOf } from './ascii-form';
import { compileLinear, type Instruction, type LinearProgram } from './linear-program';
import type { RegexpNode } from './regexp-tree';

/** What a match gives: its place and its captures from 1, as RegExpExecArray. */
export interface PatternMatch {
  readonly index: number;
  readonly [capture: number]: string | undefined;
}

/** Steps for one text: some tenths of a second. They are counted, not timed, so that the outcome is always the same. */
const STEPS_MOST = 2_000_000;

class StepsExhausted extends Error {}

/** A way through the program that is still open. */
interface Thread {
  readonly at: number;
  readonly slots: readonly number[];
}

/**
 * A regular expression matched by following all ways at once, the preferred one first (Thompson and Pike): it takes
 * time in proportion to text and expression, where backtracking may take forever, and gives the same match. It is
 * slower for ordinary texts, so that only patterns that proved dangerous are matched in this way.
 */
export class LinearMatcher {
  private readonly sets: readonly CharacterTest[];
  private text = '';
  private steps = 0;

  private constructor(
    private readonly program: LinearProgram, flags: string, private readonly anchored: boolean,
  ) {
    this.sets = program.sets.map((source) => characterTest(source, flags));
  }

  /** Undefined for an expression that has no program. */
  static of(tree: RegexpNode, flags: string, anchored: boolean): LinearMatcher | undefined {
    const program = compileLinear(tree);
    return program === undefined ? undefined : new LinearMatcher(program, flags, anchored);
  }

  /** Null: no match, or none within the steps that a text gets. */
  exec(text: string): PatternMatch | null {
    this.text = text;
    this.steps = 0;
    try {
      const slots = this.run(this.program, 0, this.anchored);
      return slots === undefined ? null : this.matchOf(slots);
    } catch (error) {
      if (error instanceof StepsExhausted) return null;
      throw error;
    } finally {
      this.text = '';
    }
  }

  private matchOf(slots: readonly number[]): PatternMatch {
    const captures = Array.from({ length: 1 + this.program.captures }, (_, index) => {
      const [from = -1, to = -1] = slots.slice(2 * index, 2 * index + 2);
      return from < 0 || to < 0 ? undefined : this.text.slice(from, to);
    });
    return Object.assign(captures, { index: slots[0] ?? 0 });
  }

  /** The slots of the preferred match that begins at `start`, or unless anchored at the first place where one does. */
  private run(program: LinearProgram, start: number, anchored: boolean): readonly number[] | undefined {
    const { backward } = program;
    let threads: Thread[] = [];
    let best: readonly number[] | undefined;
    /** By instruction: the last round that came by. */
    const seen = new Uint32Array(program.instructions.length);
    let round = 0;
    for (let place = start; ; place += this.stride(place, backward)) {
      round += 1;
      const next: Thread[] = [];
      const waiting = threads;
      threads = [];
      for (const thread of waiting) this.follow(program, thread.at, thread.slots, place, seen, round, threads);
      if (best === undefined && (place === start || !anchored)) {
        const slots = new Array<number>(program.slots).fill(-1);
        slots[0] = place;
        this.follow(program, 0, slots, place, seen, round, threads);
      }
      const point = this.pointAt(place, backward);
      for (const thread of threads) {
        const instruction = program.instructions[thread.at] as Instruction;
        if (instruction.kind === 'match') {
          best = thread.slots.with(1, place);
          // Whatever comes after is less preferred.
          break;
        }
        if (point !== undefined && instruction.kind === 'character' && (this.sets[instruction.set] as CharacterTest)(point)) {
          next.push({ at: thread.at + 1, slots: thread.slots });
        }
      }
      threads = next;
      if (point === undefined || (threads.length === 0 && (anchored || best !== undefined))) return best;
    }
  }

  /** All characters and matches that can come next from an instruction without reading, in the order of preference. */
  private follow(
    program: LinearProgram, from: number, given: readonly number[], place: number, seen: Uint32Array,
    round: number, threads: Thread[],
  ): void {
    const open: Thread[] = [{ at: from, slots: given }];
    for (let thread = open.pop(); thread !== undefined; thread = open.pop()) {
      const { at, slots } = thread;
      this.step();
      if (seen[at] === round) continue;
      seen[at] = round;
      const instruction = program.instructions[at] as Instruction;
      switch (instruction.kind) {
        case 'character': case 'match': threads.push(thread); break;
        case 'jump': open.push({ at: instruction.to, slots }); break;
        case 'split': open.push({ at: instruction.second, slots }, { at: instruction.first, slots }); break;
        case 'save': open.push({ at: at + 1, slots: slots.with(instruction.slot, place) }); break;
        case 'clear': open.push({ at: at + 1, slots: cleared(slots, instruction.from, instruction.to) }); break;
        case 'progress': if (slots[instruction.slot] !== place) open.push({ at: at + 1, slots }); break;
        case 'edge':
          if (place === (instruction.source === '^' ? 0 : this.text.length)) open.push({ at: at + 1, slots });
          break;
        case 'look':
          if ((this.run(instruction.program, place, true) !== undefined) !== instruction.negated) {
            open.push({ at: at + 1, slots });
          }
      }
    }
  }

  private step(): void {
    this.steps += 1;
    if (this.steps > STEPS_MOST) throw new StepsExhausted();
  }

  /** How far the next character reaches; 1 beyond the ends, too. */
  private stride(place: number, backward: boolean): number {
    const length = (this.pointAt(place, backward) ?? 0) > 0xffff ? 2 : 1;
    return backward ? -length : length;
  }

  /** The code point after the place, or before it; undefined at the text's end, or start. */
  private pointAt(place: number, backward: boolean): number | undefined {
    if (!backward) return place >= this.text.length ? undefined : this.text.codePointAt(place);
    if (place <= 0) return undefined;
    const pair = place >= 2 ? this.text.codePointAt(place - 2) ?? 0 : 0;
    return pair > 0xffff ? pair : this.text.charCodeAt(place - 1);
  }
}

function cleared(slots: readonly number[], from: number, to: number): readonly number[] {
  if (from === to) return slots;
  return slots.map((slot, index) => (index >= from && index < to ? -1 : slot));
}

type CharacterTest = (point: number) => boolean;

function characterTest(source: string, flags: string): CharacterTest {
  const ascii = asciiSetOf(source, flags);
  const form = new RegExp(`^(?:${source})$`, flags);
  return (point) => (point < 128 ? ascii[point] === true : form.test(String.fromCodePoint(point)));
}
