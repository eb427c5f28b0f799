import { statfs } from 'node:fs/promises';

export interface DiskFacts extends Readonly<Record<string, number>> {
  /** Of what an ordinary user can fill, in thousandths. */
  readonly diskUsedFraction: number;
  readonly diskFreeBytes: number;
}

/** How full the file system of a folder is, as `df` computes it. */
export async function readDiskFacts(folder: string): Promise<DiskFacts> {
  const { bsize, blocks, bfree, bavail } = await statfs(folder);
  const used = blocks - bfree;
  const fraction = used + bavail === 0 ? 0 : used / (used + bavail);
  return { diskUsedFraction: Math.ceil(fraction * 1_000) / 1_000, diskFreeBytes: bavail * bsize };
}
