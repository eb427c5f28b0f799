/** A size of a test: `make test` takes the short one, `make test-long` (RESILOG_TEST_LONG=1) the full one. */
export function sized(full: number, short: number): number {
  return process.env.RESILOG_TEST_LONG === '1' ? full : short;
}

/** As people write it: 50,000. */
export const written = (count: number): string => count.toLocaleString('en-US');
