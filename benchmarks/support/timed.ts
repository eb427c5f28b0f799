/** What a piece of work took; computing is that of the process that did it. */
export interface Spent {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Does it in this process. */
export async function timed(work: () => unknown): Promise<Spent> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}
