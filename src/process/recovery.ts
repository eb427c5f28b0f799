import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { NotFoundError, UnavailableError } from '../errors';
import type { LogIndex } from '../index/ports';
import type { Log } from '../log';
import type { DefinitionSet } from '../normaliser/ports';
import type { CloseFiles } from '../producer/ports';
import type { QueueProducer } from '../queue/ports';
import type { Random } from '../random';
import { Closer } from '../recovery/closer';
import type { Exclusively } from '../recovery/ports';
import { Recoverer } from '../recovery/recoverer';
import { Verifier } from '../recovery/verifier';
import type { Coordination } from '../registry/coordination';
import { withLock } from '../registry/locks';
import { paths } from '../registry/paths';
import type { SettingsWatcher } from '../registry/settings';

export interface RecoveryOptions {
  readonly coordination: Coordination;
  readonly settings: SettingsWatcher;
  readonly volumes: readonly Volume[];
  readonly queue: QueueProducer;
  /** Written into every file that is closed from now on. */
  readonly definitions: DefinitionSet;
  /** Verifies indexed files too, where the process knows the index. */
  readonly index?: LogIndex;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface Recovery {
  /** The closers that the recoverer uses: one closing transaction in flight per volume, whoever asks. */
  readonly closeFiles: CloseFiles;
  start(): void;
  close(): Promise<void>;
}

/** Longest wait for a lock: whoever holds it does the work already. */
const LOCK_WAIT_MS = 1_000;

/** Recovery of dead producers' lanes, re-enqueueing and verification, on every volume, for a process's life. */
export function createRecovery(options: RecoveryOptions): Recovery {
  const { clock, random, log, volumes, settings, definitions, queue, index } = options;
  const policy = (): ReturnType<ConstructorParameters<typeof Closer>[0]['policy']> => ({
    collection: settings.current.index.collection, definitions: definitions.version,
    maxIndexedLineBytes: settings.current.intake.maxIndexedLineBytes,
  });
  const works = volumes.map((volume) => {
    const closer = new Closer({ volume, policy, clock, random, log });
    const recoverer = new Recoverer({
      volume, closer, queue, clock, log, requeueAfterMs: () => settings.current.consumer.requeueAfterMs,
      aliveIncarnations: () => aliveIncarnations(options.coordination),
    });
    const verifier = index === undefined ? undefined : new Verifier({ volume, index, queue, clock, log });
    return { volume, closer, recoverer, verifier };
  });
  const exclusively = exclusivelyIn(options);
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  const round = async (): Promise<void> => {
    for (const { volume, recoverer, verifier } of works) {
      await exclusively(`recovery-${volume.name}`, (lost) => recoverer.run(AbortSignal.any([lost, stopping.signal])));
      if (verifier === undefined) continue;
      await exclusively(`verification-${volume.name}`, (lost) => verifier.run(AbortSignal.any([lost, stopping.signal])));
    }
  };
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await round().catch((error: unknown) => { log.warn('RecoveryFailed', { error }); });
      await clock.sleep(settings.current.recovery.scanIntervalMs, stopping.signal);
    }
  };
  return {
    closeFiles: async ({ volume, ...request }) => {
      const work = works.find((candidate) => candidate.volume.name === volume);
      if (work === undefined) throw new NotFoundError(`there is no volume ${volume}`);
      return work.closer.close(request);
    },
    start: () => { running ??= loop(); },
    close: async () => {
      stopping.abort();
      await running;
    },
  };
}

function exclusivelyIn({ coordination, clock, random }: RecoveryOptions): Exclusively {
  return async (name, work) => {
    let held = false;
    try {
      await withLock(coordination, name, { clock, random, waitMs: LOCK_WAIT_MS }, async (lock) => {
        held = true;
        await work(lock.lost);
      });
    } catch (error) {
      // Another process is at it.
      if (held || !(error instanceof UnavailableError)) throw error;
    }
  };
}

/** Read now; an error, or a folder that is not there, must not look like the death of everybody. */
async function aliveIncarnations(coordination: Coordination): Promise<ReadonlySet<string>> {
  return new Set(await coordination.children(paths.lanes));
}
