import type { LogValue } from './callback';

/** The tags of one line, with one level of undo: what a normalizer set goes again when a callback refuses. */
export class LineLog extends Map<string, LogValue> {
  private journal: [tag: string, former: LogValue | undefined][] | undefined;

  /** Changes from here on can be undone, until the next `begin` or `keep`. */
  begin(): void {
    this.journal = [];
  }

  keep(): void {
    this.journal = undefined;
  }

  undo(): void {
    const { journal } = this;
    this.journal = undefined;
    for (const [tag, former] of journal?.reverse() ?? []) {
      if (former === undefined) super.delete(tag);
      else super.set(tag, former);
    }
  }

  override set(tag: string, value: LogValue): this {
    this.journal?.push([tag, super.get(tag)]);
    return super.set(tag, value);
  }

  override delete(tag: string): boolean {
    this.journal?.push([tag, super.get(tag)]);
    return super.delete(tag);
  }
}
