import { pendingBlocks } from '../archive/journal';
import type { FileState } from '../archive/states';
import { findingsIn } from '../audit/ports';
import { UnavailableError } from '../errors';
import type { ComponentKind } from '../registry/paths';
import { componentKinds, paths, presenceFolder } from '../registry/paths';
import type { Presence } from '../registry/ports';
import type { Services } from './context';

export interface ComponentStatus {
  readonly kind: ComponentKind;
  readonly member: string;
  readonly address: string;
  readonly state: 'up';
  readonly pid: number;
  readonly host: string;
  readonly version: string;
  readonly startedAt: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export interface ClusterStatus {
  /** True when lines are taken, archived, indexed and found. */
  readonly ready: boolean;
  /** Why it is not ready, one sentence each. */
  readonly problems: readonly string[];
  readonly components: readonly ComponentStatus[];
  readonly queue: { readonly depth: number; readonly dead: number };
  /** Blocks with a file that is not yet closed. */
  readonly journal: { readonly documents: number };
  /** Files that are closed and not yet wholly indexed, and the age of the oldest. */
  readonly lag: { readonly files: number; readonly lines: number; readonly oldestMs: number };
  readonly rates: { readonly receivedLinesPerSecond: number; readonly indexedLinesPerSecond: number };
  /** The last round of the audit, and the one in work; undefined: there was none. */
  readonly audit: {
    readonly finishedMs: number | undefined;
    readonly findings: number;
    readonly repaired: number;
    readonly inWork: { readonly startedMs: number; readonly stage: string; readonly findings: number } | undefined;
  };
  /** The fullest disk of the members that keep data. */
  readonly disk: { readonly usedFraction: number | undefined };
}

/** Kinds without which nothing works. */
const NEEDED: readonly ComponentKind[] = ['ZooKeeper', 'MongoDB', 'SolrCloud', 'Producer', 'Consumer'];
/** More unindexed files than this are counted no further. */
const LAG_FILES_MAX = 10_000;

/** Asks every part; what can't be reached is a problem, not an error. Only ZooKeeper's absence is. */
export async function readStatus(services: Services, nowMs: number): Promise<ClusterStatus> {
  const components = await readComponents(services);
  const problems = NEEDED.filter((kind) => !components.some((component) => component.kind === kind))
    .map((kind) => `no ${kind} is up`);
  const ask = async <T>(what: string, operation: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await operation();
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return otherwise;
    }
  };
  const queue = await ask('queue', async () => (await services.queue()).depth(), { items: 0, dead: 0 });
  const documents = await ask('archive', async () => {
    const blocks = await Promise.all((await services.volumes()).map(({ journal }) => pendingBlocks(journal)));
    return blocks.reduce((sum, count) => sum + count, 0);
  }, 0);
  const lagging = await ask<readonly FileState[]>('archive', async () => {
    const query = { phases: ['closed'] as const, limit: LAG_FILES_MAX };
    return (await Promise.all((await services.volumes()).map(({ states }) => states.list(query)))).flat();
  }, []);
  const audit = await ask('audit', () => readAudit(services), NO_AUDIT);
  await ask('index', async () => (await services.index()).ping(), undefined);
  return {
    ready: problems.length === 0,
    problems,
    components,
    queue: { depth: queue.items, dead: queue.dead },
    journal: { documents },
    lag: {
      files: lagging.length,
      lines: lagging.reduce((sum, state) => sum + state.lines - state.position, 0),
      oldestMs: lagging.reduce((age, state) => Math.max(age, nowMs - state.closedMs), 0),
    },
    rates: {
      receivedLinesPerSecond: sum(components, 'Producer', 'linesPerSecond'),
      indexedLinesPerSecond: sum(components, 'Consumer', 'linesPerSecond'),
    },
    audit,
    disk: { usedFraction: fullestDisk(components) },
  };
}

const NO_AUDIT: ClusterStatus['audit'] = { finishedMs: undefined, findings: 0, repaired: 0, inWork: undefined };

async function readAudit(services: Services): Promise<ClusterStatus['audit']> {
  const [first] = await services.volumes();
  if (first === undefined) return NO_AUDIT;
  const [last, { progress }] = await Promise.all([first.audits.last(), first.audits.progress()]);
  return {
    finishedMs: last?.finishedMs, findings: last === undefined ? 0 : findingsIn(last.tally),
    repaired: last?.tally.repaired ?? 0,
    inWork: progress === undefined ? undefined
      : { startedMs: progress.startedMs, stage: progress.stage, findings: findingsIn(progress.tally) },
  };
}

async function readComponents(services: Services): Promise<readonly ComponentStatus[]> {
  const coordination = await services.coordination();
  if (await coordination.exists(paths.configuration) === undefined) {
    throw new UnavailableError('the cluster is not initialised', { remedy: 'run `resilog init`, or `make up` for the local cluster' });
  }
  const found: ComponentStatus[] = [];
  for (const kind of componentKinds) {
    const folder = presenceFolder(kind);
    if (await coordination.exists(folder) === undefined) continue;
    for (const member of [...await coordination.children(folder)].sort()) {
      const content = await coordination.get(`${folder}/${member}`);
      // An ephemeral node may go between the listing and the reading.
      if (content === undefined) continue;
      const presence = JSON.parse(content.data.toString('utf8')) as Presence;
      found.push({
        kind, member, address: presence.address, state: 'up', pid: presence.pid, host: presence.host,
        version: presence.version, startedAt: presence.startedAt, facts: presence.facts ?? {},
      });
    }
  }
  return found;
}

function sum(components: readonly ComponentStatus[], kind: ComponentKind, fact: string): number {
  return components.filter((c) => c.kind === kind).reduce((total, c) => total + Number(c.facts[fact] ?? 0), 0);
}

function fullestDisk(components: readonly ComponentStatus[]): number | undefined {
  const fractions = components.map((c) => c.facts.diskUsedFraction).filter((f) => typeof f === 'number');
  return fractions.length === 0 ? undefined : Math.max(...fractions);
}
