import { parentPort } from 'node:worker_threads';
import { InvariantError, messageOf, ResilogError } from '../errors';
import { createNormaliser } from './normaliser';
import type { Normaliser } from './ports';
import { packResults, unpackInputs, type WorkerAnswer, type WorkerRequest } from './worker-protocol';

/** The entry of a worker thread: compiles the sets it is given and normalises with them. Started by WorkerThread. */
function serve(): void {
  const port = parentPort;
  if (port === null) throw new InvariantError('this file is the entry of a worker thread');
  const normalisers = new Map<string, Normaliser>();
  port.on('message', (request: WorkerRequest) => {
    port.postMessage(answer(normalisers, request));
  });
}

function answer(normalisers: Map<string, Normaliser>, request: WorkerRequest): WorkerAnswer {
  try {
    switch (request.kind) {
      case 'load':
        normalisers.set(request.set.version, createNormaliser(request.set));
        return { kind: 'done' };
      case 'unload':
        normalisers.delete(request.version);
        return { kind: 'done' };
      case 'normalise': {
        const normaliser = normalisers.get(request.version);
        if (normaliser === undefined) throw new InvariantError(`definitions ${request.version} were not loaded`);
        const results = unpackInputs(request.inputs).map((input) => normaliser.normalise(input));
        return { kind: 'normalised', results: packResults(results) };
      }
    }
  } catch (error) {
    return { kind: 'failed', message: messageOf(error), remedy: error instanceof ResilogError ? error.remedy : undefined };
  }
}

serve();
