import type { FileDescription } from './files';
import type { FileState } from './states';
import type { Volume } from './volume';

export interface KeptFile {
  readonly volume: Volume;
  readonly file: FileDescription;
}

const PAGE = 500;

/** The file and the volume that keeps it; undefined when none does. */
export async function findFile(volumes: readonly Volume[], id: string): Promise<KeptFile | undefined> {
  for (const volume of volumes) {
    const file = await volume.files.describe(id);
    if (file !== undefined) return { volume, file };
  }
  return undefined;
}

/** A file's state and the volume that keeps it; undefined when none does. */
export async function findState(
  volumes: readonly Volume[], id: string,
): Promise<{ readonly volume: Volume; readonly state: FileState } | undefined> {
  for (const volume of volumes) {
    const state = await volume.states.get(id);
    if (state !== undefined) return { volume, state };
  }
  return undefined;
}

/** The files of all volumes, in the order of their ids; only those of a source when it is named. */
export async function* listFiles(volumes: readonly Volume[], sourceName?: string): AsyncGenerator<FileDescription> {
  const lists = volumes.map((volume) => filesOf(volume, sourceName));
  const heads = await Promise.all(lists.map((list) => list.next()));
  for (;;) {
    let first = -1;
    for (const [i, head] of heads.entries()) {
      const best = heads[first];
      if (head.done !== true && (best === undefined || best.done === true || head.value.id < best.value.id)) first = i;
    }
    const head = heads[first];
    const list = lists[first];
    if (head === undefined || head.done === true || list === undefined) return;
    yield head.value;
    heads[first] = await list.next();
  }
}

async function* filesOf(volume: Volume, sourceName: string | undefined): AsyncGenerator<FileDescription> {
  let after: string | undefined;
  for (;;) {
    const page = await volume.files.list({
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
      ...(sourceName === undefined ? {} : { sourceName }),
    });
    yield* page;
    after = page.at(-1)?.id;
    if (page.length < PAGE) return;
  }
}
