import { setTimeout as sleep } from 'node:timers/promises';
import { Stopwatch } from './stopwatch';

/** Polls until the condition holds and returns how long that took, in ms that count; throws after `limitMs` of them. */
export async function until(
  what: string, limitMs: number, condition: () => boolean | Promise<boolean>, pollMs = 50,
): Promise<number> {
  const stopwatch = new Stopwatch();
  while (!await condition()) {
    if (stopwatch.ms > limitMs) {
      throw new Error(`not within ${limitMs} ms (${stopwatch.wallMs} ms on the wall's clock): ${what}`);
    }
    await sleep(pollMs);
  }
  return stopwatch.ms;
}

/** Repeats a check until it passes; throws what it threw last after `limitMs` that count. */
export async function eventually(check: () => void | Promise<void>, limitMs = 10_000): Promise<void> {
  const stopwatch = new Stopwatch();
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (stopwatch.ms > limitMs) throw error;
      await sleep(20);
    }
  }
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
