/**
 * What a client knows of its lines: how often each was acknowledged, and how often it was sent without an answer that
 * settles it. Afterwards the archive must hold each between `acknowledged` and `acknowledged + unsettled` times.
 */
export class Ledger {
  private readonly acknowledged = new Map<string, number>();
  private readonly unsettled = new Map<string, number>();

  /** Lines of a request that got its 200. */
  acknowledge(lines: readonly string[]): void {
    for (const line of lines) this.acknowledged.set(line, (this.acknowledged.get(line) ?? 0) + 1);
  }

  /** Lines of a request without an answer, or with a 503: stored or not. */
  doubt(lines: readonly string[]): void {
    for (const line of lines) this.unsettled.set(line, (this.unsettled.get(line) ?? 0) + 1);
  }

  get acknowledgedLines(): number {
    return [...this.acknowledged.values()].reduce((sum, count) => sum + count, 0);
  }

  get unsettledLines(): number {
    return [...this.unsettled.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The first lines that are held too seldom or too often; empty when the promise was kept. */
  violations(held: ReadonlyMap<string, number>): readonly string[] {
    const wrong: string[] = [];
    for (const line of new Set([...this.acknowledged.keys(), ...held.keys()])) {
      const least = this.acknowledged.get(line) ?? 0;
      const most = least + (this.unsettled.get(line) ?? 0);
      const count = held.get(line) ?? 0;
      if (count < least) wrong.push(`LOST: held ${count} times, acknowledged ${least}: ${line}`);
      else if (count > most) wrong.push(`DOUBLED: held ${count} times, sent ${most}: ${line}`);
      if (wrong.length >= 10) break;
    }
    return wrong;
  }
}

export function countLines(lines: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}
