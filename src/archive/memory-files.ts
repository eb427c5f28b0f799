import { CorruptionError, NotFoundError } from '../errors';
import { readBlock, sliceLine } from './block-reader';
import { blockOfLine } from './file-format';
import type { FileBlockContent, FileDescription, FileQuery, Files } from './files';
import { rangeLines } from './line-ranges';
import type { MemoryStore } from './memory-store';

export class MemoryFiles implements Files {
  constructor(private readonly store: MemoryStore) {}

  async describe(id: string): Promise<FileDescription | undefined> {
    const file = this.store.files.get(id);
    const state = this.store.states.get(id);
    if (file === undefined) return undefined;
    if (state === undefined) return file.description;
    const RemLines = state.lines - rangeLines(state.tombstones);
    return { ...file.description, Position: state.position, RemLines };
  }

  async list(query: FileQuery): Promise<readonly FileDescription[]> {
    const found: FileDescription[] = [];
    for (const id of [...this.store.files.keys()].sort()) {
      const file = query.after === undefined || id > query.after ? await this.describe(id) : undefined;
      if (file === undefined || found.length >= query.limit) continue;
      if (query.sourceId !== undefined && file.sourceId !== query.sourceId) continue;
      if (query.sourceName !== undefined && file.Source !== query.sourceName) continue;
      found.push(file);
    }
    return found;
  }

  async *readBlocks(file: FileDescription, fromLine: number): AsyncIterable<FileBlockContent> {
    if (fromLine >= file.Lines) return;
    for (let index = blockOfLine(file.blocks, fromLine); index < file.blocks.length; index += 1) {
      yield await this.block(file, index);
    }
  }

  async readLine(file: FileDescription, line: number): Promise<Buffer> {
    const index = blockOfLine(file.blocks, line);
    if (index === -1) throw new NotFoundError(`file ${file.id} has no line ${line}`);
    return sliceLine(await this.block(file, index), line);
  }

  private async block(file: FileDescription, index: number): Promise<FileBlockContent> {
    const content = this.store.files.get(file.id)?.content;
    if (content === undefined) throw new NotFoundError(`there is no file ${file.id}`);
    const block = file.blocks[index];
    if (block === undefined) throw new CorruptionError(`file ${file.id} has no block ${index}`);
    return readBlock(file.id, block, content.subarray(block.offset, block.offset + block.length));
  }
}
