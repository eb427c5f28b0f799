import { Phase, type FileState } from '../archive/states';
import type { Volume } from '../archive/volume';
import { NotFoundError } from '../errors';
import { faultPoint } from '../fault-points';
import type { FileSums } from '../index/ports';
import { expectedSums, sumsAgree } from '../recovery/expected-sums';
import { isInScope, statesOf, versionOf, type AuditContext } from './context';
import type { Damage, Suspicion } from './finding';
import { readIndexLines, type IndexLines } from './index-lines';
import type { Looked, Stage } from './ports';
import { indexAgain, removeDocuments } from './repairs';

const PAGE = 200;
const PENDING_DELETIONS = 10_000;
const NONE: FileSums = { count: 0, lineSum: 0n, lineSquareSum: 0n };

/**
 * Files against the index: what verification proved once is to hold for ever. A verified file has all its lines in the
 * index but the deleted ones and those set aside; one that is gone or archived has none, a dead one none of its deleted
 * lines. Files that are closed or indexed are in work, and the verifier's.
 *
 * It can't be wrong about a live cluster, since the state is read before and after the index and whatever may change
 * what the index should hold changes the state first: a restart its claim, a deletion its tombstones. A deletion that
 * still runs may have buried lines that it did not yet take out.
 */
export function indexStage(context: AuditContext, volume: Volume): Stage {
  return {
    name: `index ${volume.name}`,
    page: async (after) => {
      const states = await volume.states.list({ limit: PAGE, ...(after === undefined ? {} : { after }) });
      const last = states.at(-1);
      if (last === undefined) return undefined;
      const some = states.filter((state) => isInScope(state, context.scope));
      return { after: last.id, look: () => look(context, volume, some) };
    },
    again: async (ids) => look(context, volume, await statesOf(volume, ids)),
  };
}

async function look(context: AuditContext, volume: Volume, states: readonly FileState[]): Promise<Looked> {
  const suspicions: Suspicion[] = [];
  for (const collection of new Set(states.map((state) => state.collection))) {
    const some = states.filter((state) => state.collection === collection && isSettled(state));
    if (some.length > 0) suspicions.push(...await new Comparison(context, volume, collection).compare(some));
  }
  for (const state of states) suspicions.push(...contradictions(volume, state));
  return { suspicions, files: states.length, lines: states.reduce((sum, { lines }) => sum + lines, 0) };
}

function isSettled({ phase }: FileState): boolean {
  return phase === Phase.verified || phase === Phase.gone || phase === Phase.archived || phase === Phase.dead;
}

/** What a state says that can't be. */
function contradictions(volume: Volume, state: FileState): readonly Suspicion[] {
  const { id, phase, position, lines, reason } = state;
  const suspect = (kind: Damage['kind'], detail: string): Suspicion => ({
    damage: { kind, volume: volume.name, fileId: id, detail }, subject: id, version: versionOf(state),
  });
  if ((phase === Phase.verified || phase === Phase.indexed) && position !== lines) {
    return [suspect('state-contradictory', `it is ${phase} with Position ${position} of ${lines} lines`)];
  }
  if (phase === Phase.dead) {
    return [suspect('file-given-up', `${lines} lines, of which ${position} were indexed: ${reason ?? 'no reason is known'}`)];
  }
  return [];
}

class Comparison {
  constructor(
    private readonly context: AuditContext, private readonly volume: Volume, private readonly collection: string,
  ) {}

  async compare(states: readonly FileState[]): Promise<readonly Suspicion[]> {
    const sums = await this.sums(states.map(({ id }) => id));
    const suspicions: Suspicion[] = [];
    for (const state of states) {
      const setAside = await this.setAside(state);
      if (setAside.size !== state.setAside && await this.isUnchanged(state)) {
        const detail = `its state tells of ${state.setAside} set-aside lines, ${setAside.size} are noted`;
        suspicions.push(this.suspect(state, 'set-aside-differs', detail));
      }
      const found = sums.get(state.id) ?? NONE;
      if (!isAsExpected(state, setAside, found)) suspicions.push(...await this.closer(state, setAside, found));
    }
    return suspicions;
  }

  /** After a commit, so that all that was accepted until now is seen. A collection that is not there has nothing. */
  private async sums(ids: readonly string[]): Promise<ReadonlyMap<string, FileSums>> {
    const { index, pace } = this.context;
    await pace.query();
    try {
      await index.commit(this.collection, 'soft');
      faultPoint('audit.index-committed');
      return await index.sums(this.collection, ids);
    } catch (error) {
      if (error instanceof NotFoundError) return new Map();
      throw error;
    }
  }

  private async setAside(state: FileState): Promise<ReadonlySet<number>> {
    if (state.setAside === 0) return new Set();
    const lines = await this.volume.states.setAsideLines({ fileId: state.id, limit: state.lines });
    return new Set(lines.map(({ line }) => line));
  }

  private async closer(
    state: FileState, setAside: ReadonlySet<number>, found: FileSums,
  ): Promise<readonly Suspicion[]> {
    const lines = await readIndexLines(state, setAside, this.context).catch((error: unknown) => {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    });
    const suspicions = lines === undefined
      ? [this.suspect(state, 'lines-missing', `there is no collection ${this.collection}`)]
      : await this.differences(state, lines, found);
    return suspicions.length > 0 && await this.isUnchanged(state) ? suspicions : [];
  }

  private async differences(state: FileState, lines: IndexLines, found: FileSums): Promise<readonly Suspicion[]> {
    const { collection, context, volume } = this;
    const remove = (ids: readonly string[]) => () => removeDocuments(context, collection, ids);
    // Once for all that it mends: the first changes the claim.
    let begun: Promise<boolean> | undefined;
    const again = (): Promise<boolean> => (begun ??= indexAgain(context, volume, state, lines.doubled));
    const all: Suspicion[] = [];
    const expected = state.phase === Phase.verified;
    const tell = (kind: Damage['kind'], ids: readonly string[], repair?: () => Promise<boolean>): void => {
      const more = lines.cut ? ' or more' : '';
      const detail = `${ids.length}${more} documents, such as ${ids[0] ?? ''}`;
      if (ids.length > 0) all.push(this.suspect(state, kind, detail, repair));
    };
    tell('lines-alien', lines.alien, remove(lines.alien));
    const buried = lines.buried.length > 0 && await this.isBeingDeleted(state) ? [] : lines.buried;
    tell('lines-buried', buried, remove(buried));
    tell('lines-doubled', lines.doubled, expected ? again : undefined);
    tell('lines-refused', lines.refused, expected ? again : undefined);
    if (lines.missing > 0 && expected) {
      const detail = `${lines.missing} of ${state.lines} lines, from line ${lines.firstMissing ?? 0} on`;
      all.push(this.suspect(state, 'lines-missing', detail, lines.cut ? undefined : again));
    }
    if (expected && all.length === 0 && lines.buried.length === 0) {
      all.push(this.suspect(state, 'sums-differ', `the index counted ${found.count} documents on its leaders`));
    }
    return all;
  }

  private suspect(state: FileState, kind: Damage['kind'], detail: string, repair?: () => Promise<boolean>): Suspicion {
    return {
      damage: { kind, volume: this.volume.name, fileId: state.id, detail },
      subject: state.id, version: versionOf(state),
      ...(repair === undefined ? {} : { repair }),
    };
  }

  private async isUnchanged(state: FileState): Promise<boolean> {
    const now = await this.volume.states.get(state.id);
    return now !== undefined && versionOf(now) === versionOf(state);
  }

  private async isBeingDeleted({ firstReceivedMs }: FileState): Promise<boolean> {
    const pending = await this.context.deletions.list({ state: 'pending', limit: PENDING_DELETIONS });
    return pending.some(({ throughMs }) => throughMs >= firstReceivedMs);
  }
}

function isAsExpected(state: FileState, setAside: ReadonlySet<number>, found: FileSums): boolean {
  if (state.phase === Phase.verified) return sumsAgree(found, expectedSums(state, [...setAside]));
  // Any part of its lines may have been sent before it was given up.
  return found.count === 0 || (state.phase === Phase.dead && state.tombstones.length === 0);
}
