import { InputError, invariant, LimitError } from '../errors';
import { limits } from '../limits';
import type { Block } from './journal';

/** Room for everything in a block's document that isn't its data. */
const DOCUMENT_OVERHEAD_BYTES = 64 * 1024;

/**
 * Refuses, before anything is sent, what could never be stored: the driver would fail in the middle of a batch
 * with the neighbours not inserted (schedule 30). InputError or LimitError: definite, the numbers are free.
 */
export function checkBlocks(blocks: readonly Block[]): void {
  const first = blocks[0];
  if (first === undefined) throw new InputError('there is no block to insert');
  blocks.forEach((block, index) => {
    invariant(block.lane === first.lane && block.n === first.n + index, 'blocks of one insert are consecutive');
    const tables = (block.segments.length + block.frames.length) * SEGMENT_BYTES + DOCUMENT_OVERHEAD_BYTES;
    if (block.data.length + tables > limits.mongodbDocumentBytes) {
      throw new LimitError(`a block of ${block.data.length} bytes and ${block.segments.length} segments is too large`);
    }
  });
}

/** A segment's share of the document at most, with its source's name and id. */
const SEGMENT_BYTES = 400;
