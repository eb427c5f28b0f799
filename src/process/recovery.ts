import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { InvariantError } from '../errors';
import type { LogIndex } from '../index/ports';
import type { Log } from '../log';
import type { DefinitionSet } from '../normaliser/ports';
import type { CloseFiles } from '../producer/ports';
import type { QueueProducer } from '../queue/ports';
import type { Random } from '../random';
import { Closer, type ClosePolicy } from '../recovery/closer';
import { Recoverer } from '../recovery/recoverer';
import { Verifier } from '../recovery/verifier';
import type { Coordination } from '../registry/coordination';
import { paths } from '../registry/paths';
import type { SettingsWatcher } from '../registry/settings';
import { exclusively } from './exclusively';
import { startRounds, type Rounds } from './rounds';

export interface RecoveryOptions {
  readonly coordination: Coordination;
  readonly settings: SettingsWatcher;
  readonly volumes: readonly Volume[];
  readonly queue: QueueProducer;
  /** The set for files that close now. */
  readonly definitions: { readonly current: DefinitionSet };
  /** Bytes that files being closed may hold in memory. */
  readonly closingBytes: number;
  /** Given: the process also verifies what was indexed. */
  readonly index?: LogIndex;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface Recovery {
  /** Closes files of this process's own lanes, with the closer that recovery uses. */
  readonly closeFiles: CloseFiles;
  /** Begins the rounds that repair what others left, and verify what was indexed. */
  start(): void;
  /** Stops between two steps and waits for it. Idempotent. */
  close(): Promise<void>;
}

/** The closers, recoverers and verifiers of one process: one of each a volume. */
export function createRecovery(options: RecoveryOptions): Recovery {
  const { volumes, settings, queue, coordination, clock, log, index } = options;
  const closers = createClosers(options);
  const requeueAfterMs = (): number => settings.current.consumer.requeueAfterMs;
  const aliveIncarnations = async (): Promise<ReadonlySet<string>> => new Set(await coordination.children(paths.lanes));
  const recoverers = volumes.map((volume) => new Recoverer({
    volume, closer: closerOf(closers, volume.name), queue, aliveIncarnations, clock, log, requeueAfterMs,
  }));
  const verifiers = index === undefined
    ? [] : volumes.map((volume) => new Verifier({ volume, index, queue, clock, log }));
  const rounds: Rounds[] = [];
  return {
    closeFiles: (request) => closerOf(closers, request.volume).close(request),
    start: () => {
      rounds.push(startRounds({
        name: 'recovery', clock, log, intervalMs: () => settings.current.recovery.scanIntervalMs,
        round: (signal) => inTurn(options, 'recovery', recoverers, signal),
      }));
      if (verifiers.length === 0) return;
      rounds.push(startRounds({
        name: 'verification', clock, log, intervalMs: () => settings.current.consumer.hardCommitMs,
        round: (signal) => inTurn(options, 'verification', verifiers, signal),
      }));
    },
    close: async () => { await Promise.all(rounds.map((one) => one.close())); },
  };
}

interface Worker {
  hasWork(): Promise<boolean>;
  run(signal: AbortSignal): Promise<void>;
}

/** Lets the workers that have work do it, while no other process does; without any the registry hears nothing. */
async function inTurn(
  options: RecoveryOptions, name: string, workers: readonly Worker[], signal: AbortSignal,
): Promise<void> {
  const needed: Worker[] = [];
  for (const worker of workers) if (await worker.hasWork()) needed.push(worker);
  if (needed.length === 0 || signal.aborted) return;
  await exclusively(options, name, signal, async (lost) => {
    for (const worker of needed) await worker.run(lost);
  });
}

function createClosers(options: RecoveryOptions): ReadonlyMap<string, Closer> {
  const { volumes, settings, definitions, clock, random, log, closingBytes } = options;
  const policy = (): ClosePolicy => ({
    collection: settings.current.index.collection,
    definitions: definitions.current.version,
    maxIndexedLineBytes: settings.current.intake.maxIndexedLineBytes,
  });
  return new Map(volumes.map((volume) => [volume.name, new Closer({
    volume, policy, clock, random, log, memoryBytes: closingBytes,
  })]));
}

function closerOf(closers: ReadonlyMap<string, Closer>, volume: string): Closer {
  const closer = closers.get(volume);
  if (closer === undefined) throw new InvariantError(`there is no volume ${volume}`);
  return closer;
}
