import { createContext, Script } from 'node:vm';

const context = createContext({});
const script = new Script('work()');

/**
 * Runs the work on this thread, and ends it after so many ms, even inside a regular expression: undefined then.
 * For work that may be left half-done, on threads that serve nobody meanwhile.
 */
export function withinTime<T>(limitMs: number, work: () => T): { readonly result: T } | undefined {
  try {
    return { result: script.runInContext(Object.assign(context, { work }), { timeout: limitMs }) as T };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  }
}
