/** What differs from line to line of one kind, most special first. */
const PARTS: readonly (readonly [form: RegExp, name: string])[] = [
  [/"(?:[^"\\]|\\.)*"/g, '"…"'],
  [/\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b/g, '<uuid>'],
  [/\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b/g, '<mac>'],
  [/(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])|(?<![\w:.])[0-9A-Fa-f:]*::[0-9A-Fa-f:]*(?![\w:])/g, '<ip>'],
  [/(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]\d)/g, '<ip>'],
  [/\b0x[0-9A-Fa-f]+\b|\b(?=[A-Fa-f]*\d)(?=\d*[A-Fa-f])[0-9A-Fa-f]{6,}\b/g, '<hex>'],
  [/\d+/g, '<n>'],
];
const LOOKED_AT = 2_000;
const SHAPE_CHARACTERS = 200;

/**
 * What lines of one kind have in common: quoted text, addresses, hexadecimal and decimal numbers give way to their
 * names. Of a long line only the beginning counts.
 */
export function shapeOf(line: string): string {
  const shape = PARTS.reduce((text, [form, name]) => text.replace(form, name), line.slice(0, LOOKED_AT));
  return shape.length > SHAPE_CHARACTERS ? `${shape.slice(0, SHAPE_CHARACTERS - 1)}…` : shape;
}

/** Lines of one shape. */
export interface ShapeGroup {
  readonly source: string;
  readonly shape: string;
  readonly lines: number;
  /** The first line of the shape that was seen, and its id. */
  readonly example: string;
  readonly id: string;
}

const GROUPS = 20_000;

/** Counts lines by source and shape, in bounded memory: new shapes beyond the bound are counted without a group. */
export class ShapeCounter {
  private readonly groups = new Map<string, ShapeGroup>();
  private ungrouped = 0;

  add(source: string, line: string, id: string): void {
    const shape = shapeOf(line);
    const key = `${source}\n${shape}`;
    const known = this.groups.get(key);
    if (known !== undefined) this.groups.set(key, { ...known, lines: known.lines + 1 });
    else if (this.groups.size < GROUPS) this.groups.set(key, { source, shape, lines: 1, example: line, id });
    else this.ungrouped += 1;
  }

  get withoutGroup(): number {
    return this.ungrouped;
  }

  /** The most frequent first. */
  sorted(): readonly ShapeGroup[] {
    return [...this.groups.values()]
      .sort((left, right) => right.lines - left.lines || (left.shape < right.shape ? -1 : 1));
  }
}
