import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SolrClient } from './solr-client';
import { storedZip, type ZipEntry } from './stored-zip';

/**
 * Increased with every change of the files in `solr/resilog` that is released. Programs of two releases run side by
 * side during an upgrade; the later configset stays, so that it must suit the program before it, too.
 */
export const CONFIGSET_REVISION = 1;

export const ADMIN_TIMEOUT_MS = 60_000;

/**
 * How Solr keeps and searches lines. It is named by its revision and its content and never changed, so that a
 * collection says by itself which one it has.
 */
export interface Configset {
  readonly name: string;
  readonly files: readonly ZipEntry[];
}

export async function readConfigset(folder: string): Promise<Configset> {
  const names = (await readdir(folder)).sort();
  const files = await Promise.all(names.map(async (name) => ({ name, data: await readFile(join(folder, name)) })));
  const hash = createHash('sha256');
  for (const { name, data } of files) hash.update(`${name}\n${String(data.length)}\n`).update(data);
  return { name: `resilog-${String(CONFIGSET_REVISION)}-${hash.digest('hex').slice(0, 12)}`, files };
}

/** Whether a collection with the configset `former` is to get `present`; both are names. */
export function replaces(present: string, former: string): boolean {
  return former !== present && revisionOf(former) <= revisionOf(present);
}

/** 0: not one of ours. */
function revisionOf(name: string): number {
  return Number(/^resilog-([0-9]{1,9})-[0-9a-f]{12}$/.exec(name)?.[1] ?? 0);
}

export async function uploadConfigset(client: SolrClient, { name, files }: Configset): Promise<void> {
  await client.request({
    path: '/admin/configs',
    query: { action: 'UPLOAD', name, overwrite: 'true', cleanup: 'true' },
    body: { type: 'application/octet-stream', data: storedZip(files) },
    effect: 'write',
    timeoutMs: ADMIN_TIMEOUT_MS,
  });
}
