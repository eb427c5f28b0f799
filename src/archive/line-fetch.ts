import { sliceLine } from './block-reader';
import { blockOfLine } from './file-format';
import { findFile } from './volume-set';
import type { Volume } from './volume';

/** Blocks that are fetched at the same time. */
const CONCURRENT_BLOCKS = 8;

export interface LineAddress {
  readonly fileId: string;
  readonly line: number;
}

interface BlockRequest {
  readonly fileId: string;
  readonly lines: readonly number[];
}

/**
 * The raw bytes of many lines, by `<fileId>!<line>`; each block that holds some of them is read once. Lines of files
 * that are gone are left out.
 */
export async function fetchLines(
  volumes: readonly Volume[], addresses: readonly LineAddress[],
): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const byFile = new Map<string, number[]>();
  for (const { fileId, line } of addresses) byFile.set(fileId, [...(byFile.get(fileId) ?? []), line]);
  for (const [fileId, lines] of byFile) {
    const kept = await findFile(volumes, fileId);
    if (kept === undefined) continue;
    const { file, volume: { files } } = kept;
    const byBlock = new Map<number, number[]>();
    for (const line of lines) {
      const block = blockOfLine(file.blocks, line);
      if (block !== -1) byBlock.set(block, [...(byBlock.get(block) ?? []), line]);
    }
    const requests: BlockRequest[] = [...byBlock.values()].map((group) => ({ fileId, lines: group }));
    for (let at = 0; at < requests.length; at += CONCURRENT_BLOCKS) {
      await Promise.all(requests.slice(at, at + CONCURRENT_BLOCKS).map(async (request) => {
        for await (const block of files.readBlocks(file, request.lines[0] ?? 0)) {
          for (const line of request.lines) found.set(`${fileId}!${line}`, sliceLine(block, line));
          break;
        }
      }));
    }
  }
  return found;
}
