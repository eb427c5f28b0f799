/**
 * The long run of the fuzzers of requests and of stored forms: `ts-node benchmarks/fuzz-input.ts [SECONDS] [SEED]`,
 * half of the time each. Prints one line of JSON for each; ends with 1 when something went wrong.
 */
import { decoderCases, fuzzDecoder } from '../tests/support/decoder-fuzz';
import { fuzzRequests } from '../tests/support/request-fuzz';
import { Seeded } from '../tests/support/seeded';

const SHOWN = 20;
const ROUNDS = 500;

async function main(seconds: number, seed: number): Promise<void> {
  const requests = await fuzzRequests({ seed, connections: Infinity, seconds: seconds / 2 });
  process.stdout.write(`${JSON.stringify({ fuzz: 'requests', ...requests, problems: requests.problems.slice(0, SHOWN) })}\n`);
  const random = new Seeded(seed);
  const endMs = performance.now() + seconds * 500;
  const problems: string[] = [];
  let mutations = 0;
  while (performance.now() < endMs && problems.length < SHOWN) {
    for (const name of Object.keys(decoderCases)) {
      problems.push(...await fuzzDecoder(name, random, ROUNDS));
      mutations += ROUNDS;
    }
  }
  process.stdout.write(`${JSON.stringify({ fuzz: 'stored forms', seed, mutations, problems: problems.slice(0, SHOWN) })}\n`);
  if (requests.problems.length + problems.length > 0) process.exitCode = 1;
}

const [seconds = 120, seed = 1] = process.argv.slice(2).map(Number);
void main(seconds, seed);
