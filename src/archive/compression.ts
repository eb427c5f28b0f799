import { promisify } from 'node:util';
import {
  constants, zstdCompress as zstdCompressCallback, zstdCompressSync, zstdDecompress as zstdDecompressCallback,
  zstdDecompressSync, type ZstdOptions,
} from 'node:zlib';
import { CorruptionError } from '../errors';

/** One zstd frame of the bytes. */
export type Compress = (raw: Buffer) => Promise<Buffer>;

/** Below this the hand-over to another thread costs more than the work. */
const INLINE_BYTES = 8 * 1024;
const LEVEL = 1;
const compressOffThread = promisify<Buffer, ZstdOptions, Buffer>(zstdCompressCallback);
const decompressOffThread = promisify<Buffer, ZstdOptions, Buffer>(zstdDecompressCallback);

/** zstd at level 1, the content size in the frame's header; in a thread of the pool unless it is tiny. */
export async function compressFrame(raw: Buffer): Promise<Buffer> {
  const options: ZstdOptions = {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL }, pledgedSrcSize: raw.length,
  };
  return raw.length <= INLINE_BYTES ? zstdCompressSync(raw, options) : compressOffThread(raw, options);
}

/**
 * The raw bytes of one frame, exactly `rawBytes` of them. CorruptionError else. Memory is bounded by `rawBytes`. (Node
 * gives what it has, without an error, for a frame that was cut short: the length has to be checked.)
 */
export async function decompressFrame(stored: Buffer, rawBytes: number): Promise<Buffer> {
  const options: ZstdOptions = { maxOutputLength: Math.max(rawBytes, 1) };
  let raw: Buffer;
  try {
    raw = rawBytes <= INLINE_BYTES ? zstdDecompressSync(stored, options) : await decompressOffThread(stored, options);
  } catch (error) {
    throw new CorruptionError('a frame can not be decompressed', { cause: error });
  }
  if (raw.length !== rawBytes) throw new CorruptionError(`a frame has ${raw.length} bytes instead of ${rawBytes}`);
  return raw;
}
