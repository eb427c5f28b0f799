import type { FileState } from '../archive/states';
import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import type { LogIndex } from '../index/ports';
import type { Deletions } from './ports';

/** What deletions reach. */
export interface DeletionDependencies {
  readonly clock: Clock;
  /** Where requests are kept: the first volume's. */
  readonly deletions: Deletions;
  /** All volumes that hold files or journals. */
  readonly volumes: readonly Volume[];
  readonly index: LogIndex;
  /** Every collection that holds lines. */
  readonly collections: () => Promise<readonly string[]>;
  /** Whether this start of a producer still has its session. */
  readonly incarnationLives: (incarnation: string) => Promise<boolean>;
  /**
   * How long after T a body received up to T may still be written, in ms: the intake's deadline for a body, the
   * session time-out (a paused producer), and the allowed difference of clocks.
   */
  readonly horizonMs: number;
  /** How long a batch on its way may still reach the index, in ms: Solr's idle time-out plus the session time-out. */
  readonly settleMs: number;
}

export interface DeletionProgress {
  /** Lines and files of this pass so far. */
  readonly lines: number;
  readonly files: number;
}

export interface PassOptions {
  readonly onProgress?: (progress: DeletionProgress) => void;
  /** Stops between two files; the request stays pending. */
  readonly signal?: AbortSignal;
}

const STATES_OF_A_PAGE = 500;

/** All states of a volume that a line received up to `throughMs` may be in, a page at a time. */
export async function* statesThrough(
  volume: Volume, throughMs: number, phases?: readonly FileState['phase'][],
): AsyncIterable<FileState> {
  let after: string | undefined;
  for (;;) {
    const page = await volume.states.list({
      receivedThroughMs: throughMs, limit: STATES_OF_A_PAGE,
      ...(phases !== undefined && { phases }), ...(after !== undefined && { after }),
    });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < STATES_OF_A_PAGE) return;
    after = last.id;
  }
}

/** The volume that holds a file's state; undefined when the state was dropped (the file is long gone). */
export async function locate(
  volumes: readonly Volume[], fileId: string,
): Promise<{ readonly volume: Volume; readonly state: FileState } | undefined> {
  for (const volume of volumes) {
    const state = await volume.states.get(fileId);
    if (state !== undefined) return { volume, state };
  }
  return undefined;
}
