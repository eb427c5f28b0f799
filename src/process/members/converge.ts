import type { Clock } from '../../clock';
import { ConfigurationError, messageOf } from '../../errors';
import type { TierName } from './plan';
import type { StateFile } from './state';
import type { Tier } from './tier';

export interface ConvergeOptions {
  readonly tiers: readonly Tier[];
  readonly state: StateFile;
  readonly clock: Clock;
  /** Time for all tiers together; each is looked at once at least. */
  readonly timeoutMs: number;
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
}

export interface Outcome {
  readonly tier: TierName;
  readonly converged: boolean;
  /** What it waits for, or what keeps it; empty when it has converged. */
  readonly problem: string;
}

const LOOK_MS = 500;

/**
 * Brings the tiers in line with what is wanted, in turn, one safe change after another: one that waits does not keep
 * the others. Everything is found out anew at each look, so that it may be killed at any point and run again.
 */
export async function converge(options: ConvergeOptions): Promise<readonly Outcome[]> {
  const { tiers, state, clock, timeoutMs, onProgress, signal } = options;
  const endMs = clock.monotonic() + timeoutMs;
  const problems = new Map<Tier, string>();
  for (;;) {
    for (const tier of tiers) {
      if (problems.get(tier) !== '') problems.set(tier, await passOf(tier, state));
    }
    const open = tiers.filter((tier) => problems.get(tier) !== '');
    if (open.length === 0 || clock.monotonic() >= endMs || signal?.aborted) break;
    onProgress?.(open.map((tier) => `${tier.name}: ${problems.get(tier) ?? ''}`).join('; '));
    await clock.sleep(LOOK_MS, signal);
  }
  return tiers.map((tier) => {
    const problem = problems.get(tier) ?? '';
    return { tier: tier.name, converged: problem === '', problem };
  });
}

async function passOf(tier: Tier, state: StateFile): Promise<string> {
  const former = state.tier(tier.name);
  try {
    const found = await tier.pass(former);
    state.put(tier.name, found);
    return found.problem;
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const problem = messageOf(error);
    // Who takes part was not found out: what was known stays.
    const { wanted = [], members = {} } = former ?? {};
    state.put(tier.name, { ...former, wanted, members, converged: false, problem });
    return problem === '' ? 'it failed without a word' : problem;
  }
}
