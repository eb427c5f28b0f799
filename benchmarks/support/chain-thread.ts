import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { DefinitionSet, NormaliserInput } from '../../src/normaliser/ports';
import type { Spent } from './timed';

/**
 * A chain in a thread of its own, as a consumer has it: what V8 learned from another set of definitions would slow it
 * down by a third. It normalises all lines at each `turn`, timed by itself.
 */
export class ChainThread {
  private readonly worker: Worker;

  constructor(set: DefinitionSet, inputs: readonly NormaliserInput[]) {
    const entry = JSON.stringify(join(__dirname, 'chain-worker.ts'));
    const bootstrap = `require('ts-node').register({ transpileOnly: true }); require(${entry});`;
    this.worker = new Worker(bootstrap, { eval: true, workerData: { set, inputs } });
  }

  async turn(): Promise<Spent> {
    this.worker.postMessage('turn');
    const [spent] = await once(this.worker, 'message') as [Spent];
    return spent;
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}
