import { zstdDecompressSync } from 'node:zlib';
import { storedFrame, verifyBlock } from '../../src/archive/block-format';
import type { Block } from '../../src/archive/journal';
import type { MemoryVolume } from '../../src/archive/memory-volume';
import { InputError } from '../../src/errors';
import type { NormaliserPool } from '../../src/normaliser/ports';
import type { Choices } from './choices';
import { POISON, RED, REFUSED } from './client';

const FORMER_YEAR_MS = Date.parse('2024-06-01T00:00:00Z');

/** What goes wrong because of what is sent or stored, and not because of when. */
export class Trouble {
  /** From then on nothing that is sent is a problem any more. */
  isMended = false;
  /** Texts of the lines in blocks that were made unreadable. */
  readonly damaged = new Set<string>();

  /** Finds nothing but a date, since what else lines mean does not matter here; it fails on poison. */
  readonly normaliser: NormaliserPool = {
    normalise: async (_, inputs) => {
      if (!this.isMended && inputs.some(({ text }) => text.endsWith(POISON))) throw new InputError('poison');
      return inputs.map(({ text }) => ({
        found: '', dateMs: text.includes(RED) ? FORMER_YEAR_MS : undefined,
      }));
    },
    close: () => Promise.resolve(),
  };

  refuses(text: string): boolean {
    return !this.isMended && text.endsWith(REFUSED);
  }

  /** Changes the last byte of a block of the journal, as a disk may. */
  damage({ store }: MemoryVolume, choices: Choices): void {
    const blocks = [...store.journal.values()].flatMap((lane) => [...lane])
      .flatMap(([n, document]) => (document.type === 'block' && verifyBlock(document.block) ? [{ n, document }] : []));
    const chosen = blocks[choices.among(blocks.length)];
    if (chosen === undefined) return;
    const { n, document } = chosen;
    const { block } = document;
    for (const text of textsOf(block)) this.damaged.add(text);
    const data = Buffer.from(block.data);
    data[data.length - 1] = (data[data.length - 1] ?? 0) ^ 0xff;
    store.journal.get(block.lane)?.set(n, { ...document, block: { ...block, data } });
  }
}

function textsOf(block: Block): readonly string[] {
  return block.frames.flatMap((frame) => (
    zstdDecompressSync(storedFrame(block, frame)).toString().split('\n').filter((text) => text !== '')));
}
