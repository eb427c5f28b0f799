import { eachLine } from '../../../src/lines';
import type { FileState } from '../../../src/archive/states';
import { findFile, listFiles } from '../../../src/archive/volume-set';
import { systemClock } from '../../../src/clock';
import { readConfiguration } from '../../../src/process/configuration';
import { ConnectedServices } from '../../../src/process/services';
import { systemRandom } from '../../../src/random';
import type { Cluster } from '../../support/cluster';

/** The cluster's parts, reached as the commands reach them. The caller closes it. */
export function connect(cluster: Cluster): ConnectedServices {
  return new ConnectedServices({
    clock: systemClock, random: systemRandom, configuration: () => readConfiguration(cluster.configuration),
  });
}

export interface ArchivedSource {
  /** Line (one character a byte) → how often the archive holds it. */
  readonly lines: ReadonlyMap<string, number>;
  readonly lineCount: number;
}

/** Reads every file of a source whole, and checks its counters. */
export async function readArchive(services: ConnectedServices, source: string): Promise<ArchivedSource> {
  const counts = new Map<string, number>();
  let lineCount = 0;
  for await (const line of archivedLines(services, source)) {
    counts.set(line, (counts.get(line) ?? 0) + 1);
    lineCount += 1;
  }
  return { lines: counts, lineCount };
}

/** Every line of a source in the archive, one character a byte; throws when a file's counters are wrong. */
export async function* archivedLines(services: ConnectedServices, source: string): AsyncGenerator<string> {
  const volumes = await services.volumes();
  for await (const file of listFiles(volumes, source)) {
    if (file.RemLines !== file.Lines || file.Position !== file.Lines) {
      throw new Error(`file ${file.id}: Lines ${file.Lines}, RemLines ${file.RemLines}, Position ${file.Position}`);
    }
    const kept = await findFile(volumes, file.id);
    if (kept === undefined) throw new Error(`file ${file.id} is listed and not found`);
    for await (const block of kept.volume.files.readBlocks(file, 0)) {
      for (const { start, end } of eachLine(block.raw)) yield block.raw.toString('latin1', start, end - 1);
    }
  }
}

export async function listStates(services: ConnectedServices): Promise<readonly FileState[]> {
  const found: FileState[] = [];
  for (const { states } of await services.volumes()) {
    let after: string | undefined;
    for (;;) {
      const page = await states.list({ limit: 500, ...(after === undefined ? {} : { after }) });
      found.push(...page);
      after = page.at(-1)?.id;
      if (page.length < 500) break;
    }
  }
  return found;
}

/** Lines that the index has of a source, and whether each id is one that the archive has. */
export async function countIndexed(services: ConnectedServices, source: string): Promise<number> {
  const index = await services.index();
  return (await index.search(await services.collections(), { query: { text: '*', source }, rows: 0 })).count;
}

/** Every id of a source in the index. */
export async function indexedIds(services: ConnectedServices, source: string): Promise<ReadonlySet<string>> {
  const index = await services.index();
  const ids = new Set<string>();
  for await (const page of index.findIds(await services.collections(), { text: '*', source })) {
    for (const id of page) ids.add(id);
  }
  return ids;
}
