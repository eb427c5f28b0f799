import type { LogValue, WorkingLog } from './callback';

/** Up to so many tags are found by comparing names, which is faster than any table. */
const COMPARED = 32;

/** The tags of one line, with one level of undo: what a normalizer set goes again when a callback refuses. */
export class LineLog implements WorkingLog {
  private readonly names: string[] = [];
  /** By place of the name; undefined: deleted. */
  private readonly values: (LogValue | undefined)[] = [];
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
    for (let place = 0; place < this.names.length; place += 1) {
      const value = this.values[place];
      if (value !== undefined) yield [this.names[place] as string, value];
    }
  }

  /** The same as iterating, several times as fast. */
  forEach(take: (value: LogValue, tag: string) => void): void {
    for (let place = 0; place < this.names.length; place += 1) {
      const value = this.values[place];
      if (value !== undefined) take(value, this.names[place] as string);
    }
  }

  /** Changes from here on can be undone, until the next `begin`. */
  begin(): void {
    this.begun = this.names.length;
    if (this.undoable.length > 0) this.undoable = [];
  }

  /** Back to the state at the last `begin`. */
  undo(): void {
    for (const [place, former] of this.undoable.reverse()) this.values[place] = former;
    this.undoable = [];
    for (const name of this.names.splice(this.begun)) this.places?.delete(name);
    this.values.length = this.begun;
  }

  private placeOf(tag: string): number {
    if ((this.marks & markOf(tag)) === 0) return -1;
    if (this.places !== undefined) return this.places.get(tag) ?? -1;
    const { names } = this;
    for (let place = names.length - 1; place >= 0; place -= 1) if (names[place] === tag) return place;
    return -1;
  }

  private add(tag: string, value: LogValue): void {
    this.marks |= markOf(tag);
    this.places?.set(tag, this.names.length);
    this.names.push(tag);
    this.values.push(value);
    if (this.names.length === COMPARED) this.places ??= new Map(this.names.map((name, place) => [name, place]));
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
