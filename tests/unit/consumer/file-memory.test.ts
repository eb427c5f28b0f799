import { expect } from 'chai';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FileBlockContent } from '../../../src/archive/files';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { indexFile, type FileVolume } from '../../../src/consumer/file-indexing';
import { MemoryIndex } from '../../../src/index/memory-index';
import { COLLECTION, closeFile, running, wordNormaliser, workOptions } from './fixture';

const ID = '0'.repeat(24);
const BLOCKS = 200;

describe('the memory of a file that is indexed', () => {
  it('is that of the lines in work, not of all lines so far', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const volume = new MemoryVolume();
    const index = new MemoryIndex();
    await index.prepare(COLLECTION);
    const lines = Array.from({ length: BLOCKS }, (_, line) => `word${line}`);
    const state = await closeFile(volume, ID, [lines]);
    const file = await volume.files.describe(ID);
    if (file === undefined) throw new Error('the file was closed');
    const blocks: WeakRef<object>[] = [];
    let aliveAtEnd = 0;
    // One block a line, each with memory of its own.
    const files: Pick<FileVolume['files'], 'readBlocks'> = {
      async *readBlocks(): AsyncIterable<FileBlockContent> {
        for (const [line, text] of lines.entries()) {
          const raw = Buffer.allocUnsafeSlow(text.length + 1);
          raw.write(`${text}\n`);
          blocks.push(new WeakRef(raw.buffer));
          yield {
            offset: 0, length: 0, rawBytes: raw.length, firstLine: line, lines: 1, receptions: [[1, 0]], sha256: '', raw,
          };
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
        collectGarbage();
        aliveAtEnd = blocks.filter((block) => block.deref() !== undefined).length;
      },
    };
    const only: FileVolume = {
      name: volume.name, states: volume.states, files: { ...files } as FileVolume['files'], ping: () => volume.ping(),
    };
    const options = workOptions(only, index, { normaliser: wordNormaliser });
    const claimed = await volume.states.claim(ID, 1);
    const claimedAt = options.clock.monotonic();
    await indexFile(only, file, { state: claimed ?? state, claimedAt }, running, options);
    expect(aliveAtEnd).to.be.below(BLOCKS / 4);
  });
});
