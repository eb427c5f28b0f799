import { Seeded } from '../support/seeded';

/** Decisions of one schedule: drawn from a seed, or given, so that a schedule can be repeated and shortened. */
export class Choices {
  /** What was decided so far. */
  readonly made: number[] = [];
  private readonly random: Seeded;

  /** Beyond the end of `given` every decision is 0, the harmless one; without it they come from the seed. */
  constructor(seed: number, private readonly given?: readonly number[]) {
    this.random = new Seeded(seed);
  }

  /** A decision among `count` possibilities, from 0. */
  among(count: number): number {
    if (count <= 1) return 0;
    const place = this.made.length;
    const chosen = this.given === undefined
      ? Math.floor(this.draw() * count) : Math.min(this.given[place] ?? 0, count - 1);
    this.made.push(chosen);
    return chosen;
  }

  /** One of the possibilities by weight; the first one is the harmless one. */
  weighted(weights: readonly number[]): number {
    const place = this.made.length;
    let chosen = 0;
    if (this.given === undefined) {
      let sum = 0;
      for (const weight of weights) sum += weight;
      let left = this.draw() * sum;
      while (chosen < weights.length - 1 && left >= (weights[chosen] ?? 0)) left -= weights[chosen++] ?? 0;
    } else chosen = Math.min(this.given[place] ?? 0, weights.length - 1);
    this.made.push(chosen);
    return chosen;
  }

  /** A number in [0, 1). */
  draw(): number {
    return this.random.fraction();
  }
}
