import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../support/checkout';

const BALLAST = 'ballast';

/** A file system of its own for one host, in memory, so that it can be full while all others have room. */
export class Disk {
  private fills = 0;

  private constructor(readonly folder: string) {}

  static async mount(folder: string, mebibytes: number): Promise<Disk> {
    await mkdir(folder, { recursive: true });
    const { code, stderr } = await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'tmpfs', folder]);
    if (code !== 0) throw new Error(`no disk for ${folder}: ${stderr.trim()}`);
    return new Disk(folder);
  }

  /** Leaves no byte free until `empty` was called as often. */
  async fill(): Promise<void> {
    this.fills += 1;
    const { bavail, bsize } = await statfs(this.folder);
    if (bavail === 0) return;
    // More than there is, since others write meanwhile: what fits stays allocated.
    const block = Buffer.alloc(1 << 20);
    await writeFile(this.ballast(), blocks(block, Math.ceil(bavail * bsize / block.length) + 64))
      .catch((error: unknown) => {
        if (!isFull(error)) throw error;
      });
  }

  async empty(): Promise<void> {
    this.fills -= 1;
    if (this.fills === 0) await rm(this.ballast(), { force: true });
  }

  /** Copies all that is on it to a folder on another disk. */
  async copyTo(target: string): Promise<void> {
    await run('cp', ['-a', this.folder, target]);
  }

  /** What is on it is gone. All who use it have ended. */
  async unmount(): Promise<void> {
    const { code, stderr } = await run('umount', [this.folder]);
    if (code !== 0) throw new Error(`${this.folder} is still used: ${stderr.trim()}`);
  }

  private ballast(): string {
    return join(this.folder, BALLAST);
  }
}

function* blocks(block: Buffer, count: number): Generator<Buffer> {
  for (let n = 0; n < count; n += 1) yield block;
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC';
}
