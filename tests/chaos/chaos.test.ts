import { expect } from 'chai';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { checkout, run } from '../support/checkout';
import { sized } from '../support/size';

const SECONDS = sized(120, 60);
/** Lines a second: what two processors can index beside servers that start again and again. */
const RATE = 300;
/** `make chaos` allows 60 s; here other programs may take the processors while all servers start anew. */
const DRAIN_SECONDS = 240;
/** A run with it was looked at: it kills, pauses and cuts, and takes a majority away. */
const FIXED_SEED = 5;

interface Outcome {
  readonly obligations: number;
  readonly kills: number;
}

describe('a cluster of three members whose parts are killed, paused and cut from each other at random', function () {
  this.timeout(900_000);

  it('is whole again when cuts that overlap are over, in whatever order', async () => {
    const { stdout, stderr } = await run('sh', [
      join(checkout, 'tools', 'chaos.sh'), process.execPath, '-r', 'ts-node/register',
      join(checkout, 'tests', 'chaos', 'overlapping-cuts.ts'),
    ], { environment: { TS_NODE_TRANSPILE_ONLY: 'true' } });
    expect(JSON.parse(stdout) as unknown, stderr).to.deep.equal({ steps: [3, 3, 2, 0], left: [] });
  });

  for (const [name, seed] of [['a fixed seed', FIXED_SEED], ['a fresh seed', randomInt(2 ** 31)]] as const) {
    it(`has every acknowledged line exactly once, with ${name} (${seed})`, async () => {
      const { code, stdout, stderr } = await run('sh', [
        join(checkout, 'tools', 'chaos.sh'), process.execPath, '-r', 'ts-node/register',
        join(checkout, 'tests', 'chaos', 'main.ts'), '--duration', String(SECONDS), '--rate', String(RATE), '--seed', String(seed),
        '--drain-limit', String(DRAIN_SECONDS),
      ], { environment: { TS_NODE_TRANSPILE_ONLY: 'true' } });
      const outcome = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Outcome;
      expect(outcome, stderr).to.include({ seed, lost: 0, duplicated: 0, altered: 0, kept: true });
      expect(outcome.obligations).to.be.greaterThan(1_000);
      expect(outcome.kills).to.be.greaterThan(3);
      expect(code, stderr).to.equal(0);
    });
  }
});
