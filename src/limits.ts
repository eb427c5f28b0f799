import { invariant } from './errors';

const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * Every fixed bound in one place. What an operator may change lives in the registry's Settings instead; these
 * are properties of the formats and of the protocol. Their relations are checked when the program loads.
 */
export const limits = {
  /** Raw bytes of lines in one journal block. */
  blockRawBytes: 8 * MiB,
  /** A segment at least this large gets a zstd frame of its own, copied as it is into the file at close. */
  ownFrameBytes: 64 * KiB,
  /** Raw bytes at which a larger segment is cut into several frames, at line ends. */
  ownFrameRawBytes: 512 * KiB,
  /** Raw bytes that one compressed block of a file aims at. */
  fileBlockRawBytes: 256 * KiB,
  /** Longest line in bytes; above: 413. */
  lineBytes: 8 * MiB,
  /** Largest body of a request with an Idempotency-Key, in bytes after decompression; above: 413. */
  keyedBodyBytes: 16 * MiB,
  /** Longest Idempotency-Key in characters. */
  idempotencyKeyLength: 255,
  /** Most lines of one file. */
  fileLines: 2 ** 20,
  /** Raw and stored bytes at which a file of a hot source closes. */
  fileRawBytes: 32 * MiB,
  fileStoredBytes: 16 * MiB,
  /** Stored bytes of one lane at which all its open files close together. */
  generationStoredBytes: 256 * MiB,
  /** Stored bytes of the files that one closing transaction writes. */
  closeGroupBytes: 4 * MiB,
  /** Bytes of one GridFS chunk. */
  chunkBytes: 255 * KiB,
  /** MongoDB refuses documents above this. */
  mongodbDocumentBytes: 16 * MiB,
  /** A request that could not begin to be stored for so long gets 503: its lane is overloaded. */
  laneWaitMs: 15_000,
  /** A body that finds no memory waits so long for some, then 503; and so many bodies at once, since what their clients
   * have sent meanwhile lies in buffers outside of the budget, 64 KiB each. */
  memoryWaitMs: 2_000,
  memoryWaiters: 256,
  /** One write to the archive at most, with what is needed to give it up. */
  archiveWriteMs: 6_000,
  /** ZooKeeper's packet limit (jute.maxbuffer) with room for headers. */
  znodeBytes: 900 * KiB,
  /** File ids in one queue item. */
  queueItemFiles: 200,
} as const;

invariant(limits.lineBytes <= limits.blockRawBytes, 'a line must fit in a block');
invariant(limits.blockRawBytes + MiB < limits.mongodbDocumentBytes, 'an incompressible block must fit in a document');
invariant(limits.closeGroupBytes <= limits.fileStoredBytes, 'a closing group is no larger than a file');
invariant(limits.ownFrameBytes <= limits.fileBlockRawBytes, 'own frames are at most a file block by default');
