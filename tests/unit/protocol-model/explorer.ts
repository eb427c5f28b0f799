/** One thing that can happen next, and the state after it. */
export interface Step<S> {
  readonly name: string;
  readonly next: S;
}

export interface Model<S> {
  readonly initial: S;
  /** Everything that can happen in this state, in any order, whoever does it. */
  steps(state: S): readonly Step<S>[];
  /** What is wrong in this state; `final`: nothing can happen any more. */
  violation(state: S, final: boolean): string | undefined;
}

export interface Exploration {
  readonly states: number;
  readonly violation?: { readonly message: string; readonly schedule: readonly string[] };
}

const STATES_MAX = 2_000_000;

/** Visits every state that any interleaving reaches; ends at the first violation, with the schedule leading there. */
export function explore<S>(model: Model<S>): Exploration {
  const seen = new Map<string, { readonly from: string | undefined; readonly name: string }>();
  const start = JSON.stringify(model.initial);
  seen.set(start, { from: undefined, name: '' });
  const waiting: string[] = [start];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    const state = JSON.parse(key) as S;
    const steps = model.steps(state);
    const message = model.violation(state, steps.length === 0);
    if (message !== undefined) {
      const schedule: string[] = [];
      for (let at: string | undefined = key; at !== undefined; at = seen.get(at)?.from) {
        schedule.unshift(seen.get(at)?.name ?? '');
      }
      return { states: seen.size, violation: { message, schedule: schedule.slice(1) } };
    }
    for (const { name, next } of steps) {
      const nextKey = JSON.stringify(next);
      if (seen.has(nextKey)) continue;
      seen.set(nextKey, { from: key, name });
      if (seen.size > STATES_MAX) throw new Error('the model has too many states');
      waiting.push(nextKey);
    }
  }
  return { states: seen.size };
}
