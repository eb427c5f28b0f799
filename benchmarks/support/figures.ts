/** What one measured thing did in one round. */
export interface Round {
  /** In the figure's unit, e.g. MiB a second. */
  readonly value: number;
  readonly cpuSeconds: number;
}

export interface Figure {
  readonly bench: string;
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Name of the figure that `ratio` compares with: this median by that one's. */
  readonly ratioTo: string | undefined;
  readonly ratio: number | undefined;
  /** Computing time of all rounds, of this process or of the one measured. */
  readonly cpuSeconds: number;
  /** Of this process when the figure was made. */
  readonly rssMiB: number;
}

/** Collects figures, prints each as a line of JSON, and all of them as a table in the end. */
export class Figures {
  private readonly figures: Figure[] = [];

  constructor(private readonly bench: string) {}

  add(name: string, unit: string, rounds: readonly Round[], ratioTo?: string): Figure {
    const values = rounds.map(({ value }) => value).sort((left, right) => left - right);
    const median = values[Math.floor(values.length / 2)] ?? 0;
    const other = this.figures.find((figure) => figure.name === ratioTo && figure.unit === unit);
    const figure: Figure = {
      bench: this.bench, name, unit,
      median: rounded(median), min: rounded(values[0] ?? 0), max: rounded(values.at(-1) ?? 0),
      ratioTo, ratio: other === undefined ? undefined : rounded(median / other.median),
      cpuSeconds: rounded(rounds.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)),
      rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    };
    this.figures.push(figure);
    process.stdout.write(`${JSON.stringify(figure)}\n`);
    return figure;
  }

  printTable(): void {
    const rows = this.figures.map(({ name, unit, median, min, max, ratio, ratioTo, cpuSeconds }) => [
      name, unit, String(median), `${min} – ${max}`, ratio === undefined ? '' : `${ratio} × ${ratioTo ?? ''}`,
      `${cpuSeconds} s`,
    ]);
    const all = [['what', 'unit', 'median', 'from – to', 'ratio', 'CPU'], ...rows];
    const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
    for (const row of all) {
      process.stdout.write(`${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`);
    }
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
