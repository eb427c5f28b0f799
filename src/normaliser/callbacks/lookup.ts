import { type Callback, refuse } from '../callback';
import { pythonInt } from '../python-values';

export type Table = readonly (readonly [value: string, meaning: string])[];

/** Sets `tag` to the meaning of the value; to `other`, or what it makes of the value, when there is none. */
export function table(tag: string, meanings: Table, other?: string | ((value: string) => string)): Callback {
  const known = new Map(meanings);
  return (value, log) => {
    const meaning = known.get(value) ?? (typeof other === 'function' ? other(value) : other);
    if (meaning !== undefined) log.set(tag, meaning);
  };
}

/** Sets `tag` to the entry at the value's index, counted from the end when negative; refuses others, as Python. */
export function listed(tag: string, entries: readonly string[]): Callback {
  return (value, log) => { log.set(tag, entries.at(pythonInt(value)) ?? refuse(`there is no entry ${value}`)); };
}
