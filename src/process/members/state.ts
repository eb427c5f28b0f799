import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Ensemble } from '../../registry/zookeeper-ensemble';
import { ConfigurationError, messageOf } from '../../errors';
import type { TierName } from './plan';

/** What was found of one tier when it was last looked at. */
export interface TierState {
  /** Names of the plan that it was compared with. */
  readonly wanted: readonly string[];
  /**
   * Members that count in its quorums or hold copies, with the incarnation of their data ('': not known). Who is
   * neither here nor wanted may be destroyed.
   */
  readonly members: Readonly<Record<string, string>>;
  /** Whether nothing is left to be done. */
  readonly converged: boolean;
  /** What it waits for, or what keeps it. */
  readonly problem: string;
  /** ZooKeeper's only. */
  readonly ensemble?: Ensemble;
}

/**
 * The outcome of `resilog members converge`, for who destroys what has left and starts what may join. Written anew
 * after each look, whole or not at all.
 */
export class StateFile {
  private readonly content: Partial<Record<TierName, TierState>>;

  /** ConfigurationError when the file is there and can't be read: to take it for empty could cost a member its seat. */
  constructor(private readonly path: string) {
    this.content = read(path);
  }

  tier(name: TierName): TierState | undefined {
    return this.content[name];
  }

  put(name: TierName, state: TierState): void {
    if (JSON.stringify(this.content[name]) === JSON.stringify(state)) return;
    this.content[name] = state;
    const draft = `${this.path}.new`;
    writeFileSync(draft, `${JSON.stringify(this.content, undefined, 2)}\n`, { flush: true });
    renameSync(draft, this.path);
  }
}

function read(path: string): Partial<Record<TierName, TierState>> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Partial<Record<TierName, TierState>>;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw new ConfigurationError(`${path} can't be read: ${messageOf(error)}`, {
      cause: error, remedy: 'remove it; it is made anew from what the servers say',
    });
  }
}
