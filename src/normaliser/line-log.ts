import type { LogValue, WorkingLog } from './callback';

/** Up to so many tags are found by comparing names, which is faster than any table. */
const COMPARED = 32;

/** The tags of one line, with one level of undo: what a normalizer set goes again when a callback refuses. */
export class LineLog implements WorkingLog {
  /** The first `count` are those of the line. */
  private names: string[] = [];
  /** By place of the name; undefined: deleted. */
  private values: (LogValue | undefined)[] = [];
  private count = 0;
  /** The marks of all names: what shows another mark is not among them. */
  private marks = 0;
  /** Name → place, once there are many. */
  private places: Map<string, number> | undefined;
  /** Places that were there at `begin`; what was done to them since, newest last. */
  private begun = 0;
  private undoable: [place: number, former: LogValue | undefined][] = [];

  constructor(tags: Iterable<readonly [string, LogValue]> = []) {
    for (const [name, value] of tags) this.set(name, value);
  }

  /** Forgets all, for the next line: arrays that have their size already cost less than new ones. */
  clear(): void {
    // What few places still hold of a former line is little.
    if (this.names.length > COMPARED) {
      this.names = [];
      this.values = [];
    }
    this.count = 0;
    this.marks = 0;
    this.places = undefined;
    this.begin();
  }

  get(tag: string): LogValue | undefined {
    const place = this.placeOf(tag);
    return place < 0 ? undefined : this.values[place];
  }

  has(tag: string): boolean {
    return this.get(tag) !== undefined;
  }

  set(tag: string, value: LogValue): void {
    const place = this.placeOf(tag);
    if (place < 0) this.add(tag, value);
    else this.change(place, value);
  }

  delete(tag: string): void {
    const place = this.placeOf(tag);
    if (place >= 0) this.change(place, undefined);
  }

  *[Symbol.iterator](): IterableIterator<[string, LogValue]> {
    for (let place = 0; place < this.count; place += 1) {
      const value = this.values[place];
      if (value !== undefined) yield [this.names[place] as string, value];
    }
  }

  /** The same as iterating, several times as fast. */
  forEach(take: (value: LogValue, tag: string) => void): void {
    const { names, values, count } = this;
    for (let place = 0; place < count; place += 1) {
      const value = values[place];
      if (value !== undefined) take(value, names[place] as string);
    }
  }

  /** Changes from here on can be undone, until the next `begin`. */
  begin(): void {
    this.begun = this.count;
    if (this.undoable.length > 0) this.undoable = [];
  }

  /** Back to the state at the last `begin`. */
  undo(): void {
    for (const [place, former] of this.undoable.reverse()) this.values[place] = former;
    this.undoable = [];
    for (; this.count > this.begun; this.count -= 1) this.places?.delete(this.names[this.count - 1] as string);
  }

  private placeOf(tag: string): number {
    if ((this.marks & markOf(tag)) === 0) return -1;
    if (this.places !== undefined) return this.places.get(tag) ?? -1;
    const { names } = this;
    for (let place = this.count - 1; place >= 0; place -= 1) if (names[place] === tag) return place;
    return -1;
  }

  private add(tag: string, value: LogValue): void {
    this.marks |= markOf(tag);
    this.places?.set(tag, this.count);
    this.names[this.count] = tag;
    this.values[this.count] = value;
    this.count += 1;
    if (this.count === COMPARED) {
      this.places ??= new Map(this.names.slice(0, COMPARED).map((name, place) => [name, place]));
    }
  }

  private change(place: number, value: LogValue | undefined): void {
    if (place < this.begun) this.undoable.push([place, this.values[place]]);
    this.values[place] = value;
  }
}

/** By its length, which is known at once. */
function markOf(name: string): number {
  return 1 << (name.length & 31);
}
