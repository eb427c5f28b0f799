import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until the condition holds and returns how long that took, in ms; throws after `limitMs`. */
export async function until(
  what: string, limitMs: number, condition: () => boolean | Promise<boolean>, pollMs = 50,
): Promise<number> {
  const begin = Date.now();
  while (!await condition()) {
    if (Date.now() - begin > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await sleep(pollMs);
  }
  return Date.now() - begin;
}

/** Runs `work` for every value, `width` at a time. */
export async function inParallel<T>(
  values: Iterable<T>, width: number, work: (value: T, slot: number) => Promise<void>,
): Promise<void> {
  const iterator = values[Symbol.iterator]();
  await Promise.all(Array.from({ length: width }, async (_, slot) => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value, slot);
  }));
}
