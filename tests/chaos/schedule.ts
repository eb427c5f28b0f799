import { Seeded } from '../support/seeded';

/** Mean time between two of a kind, and how long one lasts; in ms. */
interface Plan {
  readonly everyMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Longer than every session time-out of the cluster: who was paused so long is a zombie when it returns. */
export const BEYOND_SESSIONS_MS = 12_000;

const PLANS = {
  'kill': { everyMs: 7_000, leastMs: 0, mostMs: 0 },
  'kill a leader': { everyMs: 60_000, leastMs: 0, mostMs: 0 },
  'pause': { everyMs: 60_000, leastMs: 1_000, mostMs: 7_000 },
  'pause beyond the session': { everyMs: 45_000, leastMs: BEYOND_SESSIONS_MS, mostMs: 30_000 },
  'cut one way': { everyMs: 90_000, leastMs: 2_000, mostMs: 20_000 },
  'cut both ways': { everyMs: 90_000, leastMs: 2_000, mostMs: 20_000 },
  'isolate a host': { everyMs: 150_000, leastMs: 5_000, mostMs: 20_000 },
  'step down': { everyMs: 100_000, leastMs: 0, mostMs: 0 },
  'take the majority of ZooKeeper away': { everyMs: 240_000, leastMs: 10_000, mostMs: 20_000 },
  'take the majority of MongoDB away': { everyMs: 240_000, leastMs: 10_000, mostMs: 20_000 },
  'take Solr away': { everyMs: 240_000, leastMs: 10_000, mostMs: 20_000 },
  'fill a disk': { everyMs: 150_000, leastMs: 5_000, mostMs: 20_000 },
  'step a clock': { everyMs: 90_000, leastMs: 5_000, mostMs: 60_000 },
  'lose a producer for good': { everyMs: 300_000, leastMs: 1_000, mostMs: 10_000 },
  'slow a link': { everyMs: 60_000, leastMs: 5_000, mostMs: 20_000 },
} as const satisfies Readonly<Record<string, Plan>>;

export type FaultKind = keyof typeof PLANS;

export interface Fault {
  /** From the start of the faults. */
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly forMs: number;
  /** Decides what it meets; what that is, e.g. who leads, is known only then. */
  readonly seed: number;
}

/** All faults of a run, in order: the same for the same seed and duration. */
export function scheduleOf(seed: number, durationMs: number): readonly Fault[] {
  const faults = Object.entries(PLANS).flatMap(([kind, plan], index) => {
    const random = new Seeded(seed * 31 + index);
    const found: Fault[] = [];
    let atMs = Math.round(random.fraction() * plan.everyMs);
    while (atMs < durationMs) {
      const forMs = Math.min(random.between(plan.leastMs, plan.mostMs), durationMs - atMs);
      found.push({ kind: kind as FaultKind, atMs, forMs, seed: random.between(0, 2 ** 31) });
      atMs += Math.round(plan.everyMs * (0.5 + random.fraction()));
    }
    return found;
  });
  return faults.sort((one, other) => one.atMs - other.atMs);
}
