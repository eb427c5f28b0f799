import { parentPort, workerData } from 'node:worker_threads';
import { InvariantError, messageOf, ResilogError } from '../errors';
import { membersOf } from '../index/line-members';
import { createNormaliser, type NormaliserChain } from './normaliser';
import { ResultPacker } from './packed-results';
import { ownThreadId } from './thread-cpu-time';
import { NONE, WorkerProgress } from './worker-progress';
import { unpackInputs, type WorkerAnswer, type WorkerData, type WorkerRequest } from './worker-protocol';

/** The entry of a worker thread: compiles the sets it is given and normalises with them. Started by WorkerThread. */
function serve(): void {
  const port = parentPort;
  if (port === null) throw new InvariantError('this file is the entry of a worker thread');
  const progress = new WorkerProgress((workerData as WorkerData).progress);
  progress.thread = ownThreadId();
  const server = new WorkerServer(progress);
  port.on('message', (request: WorkerRequest) => {
    port.postMessage(server.answer(request));
  });
}

class WorkerServer {
  private readonly chains = new Map<string, NormaliserChain>();

  constructor(private readonly progress: WorkerProgress) {}

  answer(request: WorkerRequest): WorkerAnswer {
    try {
      switch (request.kind) {
        case 'load': {
          const chain = createNormaliser(request.set);
          chain.control.reportTo(this.progress);
          this.chains.set(request.set.version, chain);
          return { kind: 'loaded', patterns: chain.control.patterns };
        }
        case 'unload':
          this.chains.delete(request.version);
          return { kind: 'done' };
        case 'normalise': return this.normalise(request);
      }
    } catch (error) {
      return { kind: 'failed', message: messageOf(error), remedy: error instanceof ResilogError ? error.remedy : undefined };
    }
  }

  private normalise({ version, inputs, care, firstLine }: WorkerRequest & { kind: 'normalise' }): WorkerAnswer {
    const chain = this.chains.get(version);
    if (chain === undefined) throw new InvariantError(`definitions ${version} were not loaded`);
    const lines = unpackInputs(inputs);
    chain.control.treat(care.patterns);
    const packer = new ResultPacker();
    lines.forEach((input, line) => {
      this.progress.enterLine(firstLine + line);
      const special = care.lines.get(line);
      if (special !== undefined) chain.control.treat([...care.patterns, ...special]);
      const { tags, dateMs, matched } = chain.normalise(input);
      packer.add({ dateMs, found: membersOf(tags, matched.map(({ normalizer }) => normalizer)) }, input.text);
      if (special !== undefined) chain.control.treat(care.patterns);
    });
    this.progress.enterLine(NONE);
    return { kind: 'normalised', results: packer.pack() };
  }
}

serve();
