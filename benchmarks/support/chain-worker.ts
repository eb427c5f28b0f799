/** The entry of a thread that normalises the lines it was started with, again at each message; see chain-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { createNormaliser } from '../../src/normaliser/normaliser';
import type { DefinitionSet, NormaliserInput } from '../../src/normaliser/ports';

const { set, inputs } = workerData as { readonly set: DefinitionSet; readonly inputs: readonly NormaliserInput[] };
const chain = createNormaliser(set);

parentPort?.on('message', () => {
  const cpu = process.threadCpuUsage();
  const started = performance.now();
  for (const input of inputs) chain.normalise(input);
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.threadCpuUsage(cpu);
  parentPort?.postMessage({ seconds, cpuSeconds: (user + system) / 1e6 });
});
