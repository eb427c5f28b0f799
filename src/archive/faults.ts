/**
 * Where a simulator may interfere: called before and after each durable effect of an in-memory adapter. Throwing
 * UnavailableError before = it was certainly not done; UnknownOutcomeError before or after = nobody can tell. Waiting
 * in it delays the effect, or the answer to it.
 */
export type Faults = (effect: string, when: 'before' | 'after') => void | Promise<void>;

export const noFaults: Faults = () => undefined;
