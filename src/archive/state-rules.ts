import { Phase, type SetAsideLine } from './states';

/** Phases from which a file may be indexed again from the start. */
export const RESTARTABLE: readonly Phase[] = [Phase.closed, Phase.indexed, Phase.verified];
/** Phases in which a file whose lines are all deleted may go: nothing can bring its lines back any more. */
export const REMOVABLE: readonly Phase[] = [Phase.verified, Phase.dead, Phase.archived];

/** Indexing under the same claim is over already: what a repeated call wanted to reach is reached. */
export function isPastClosed(phase: Phase): boolean {
  return phase === Phase.indexed || phase === Phase.verified;
}

export function mayRestart(phase: Phase): boolean {
  return RESTARTABLE.includes(phase);
}

export function mayBeRemoved(phase: Phase): boolean {
  return REMOVABLE.includes(phase);
}

/** Identifies a set-aside line; sorts by file and line (a file has at most 2^20 lines). */
export function setAsideId(line: Pick<SetAsideLine, 'fileId' | 'line'>): string {
  return `${line.fileId}!${line.line.toString().padStart(8, '0')}`;
}
