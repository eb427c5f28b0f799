/**
 * The long run of tests/unit/normaliser/fuzz.test.ts: `ts-node benchmarks/fuzz-normaliser.ts [LINES] [FILES] [SEED]`.
 * Prints one line of JSON for the lines and one for the definitions; ends with 1 when something went wrong.
 */
import { loadDefinitions } from '../src/process/definitions';
import { fuzzLines, fuzzLoader } from '../tests/support/normaliser-fuzz';

async function main(lines: number, files: number, seed: number): Promise<void> {
  const set = await loadDefinitions();
  const loader = fuzzLoader(set, files, seed);
  process.stdout.write(`${JSON.stringify({ fuzz: 'loader', ...loader, problems: loader.problems.slice(0, 20) })}\n`);
  const report = await fuzzLines({
    set, lines, longEach: 20_000, seed, workers: 2,
    onProgress: (done) => { if (done % 100_000 === 0) process.stderr.write(`${done} lines\n`); },
  });
  process.stdout.write(`${JSON.stringify({ fuzz: 'lines', ...report, problems: report.problems.slice(0, 20) })}\n`);
  if (loader.problems.length + report.problems.length > 0) process.exitCode = 1;
}

const [lines = 1_000_000, files = 10_000, seed = 1] = process.argv.slice(2).map(Number);
void main(lines, files, seed);
