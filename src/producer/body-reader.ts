import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { constants, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import type { Transform } from 'node:stream';
import type { Clock } from '../clock';
import { messageOf } from '../errors';
import type { BufferPool } from './buffer-pool';
import { bodyTooLarge, IntakeError, unreadableBody } from './intake-error';
import { LineAccumulator, type LineRun } from './line-accumulator';
import type { Reservation } from './body-budget';
import { ZstdFrameScanner } from './zstd-frames';

/** Windows above 8 MiB (RFC 8878 asks decoders for that much) would let a small body take much memory. */
const ZSTD_WINDOW_LOG_MAX = 23;
/** Memory of a request itself: a client that does not wait for answers may have very many in work. */
const REQUEST_BYTES = 8 * 1024;
/** Memory of a decoder beside the buffers of the lines; reserved with the body. */
const DECODER_BYTES = { identity: 0, gzip: 128 * 1024, deflate: 128 * 1024, zstd: 9 * 1024 * 1024 } as const;

export type BodyEncoding = keyof typeof DECODER_BYTES;

export interface Body {
  readonly runs: readonly LineRun[];
  readonly lines: number;
  /** Raw bytes as they are stored, LFs included. */
  readonly bytes: number;
  /** Gives the memory of the runs back at once. Only when nobody reads them any more. */
  recycle(): void;
}

export interface BodyReaderOptions {
  readonly pool: BufferPool;
  /** Told of bytes as they arrive and as they are decompressed. */
  readonly onBytes?: (bytes: number) => void;
  readonly clock: Clock;
  /** Largest body after decompression. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** Content-Encoding of a request; chains and unknown ones are 400. */
export function encodingOf(request: IncomingMessage): BodyEncoding {
  const named = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const encoding = named === '' ? 'identity' : named.replace(/^x-gzip$/, 'gzip');
  if (Object.hasOwn(DECODER_BYTES, encoding)) return encoding as BodyEncoding;
  throw new IntakeError(`the Content-Encoding '${named.slice(0, 40)}' can't be read`, {
    status: 400, code: 'unknown-encoding', remedy: 'use one of gzip, deflate, zstd, or none',
  });
}

/** Node undoes chunks and leaves what else the transfer was encoded by: taken as lines, it would be acknowledged. */
function assertPlainlyTransferred(request: IncomingMessage): void {
  const transfer = request.headers['transfer-encoding'];
  if (transfer === undefined || transfer.trim().toLowerCase() === 'chunked') return;
  throw new IntakeError(`the Transfer-Encoding '${transfer.slice(0, 40)}' can't be read`, {
    status: 400, code: 'unknown-encoding', remedy: 'send chunks as they are, and name a compression as Content-Encoding',
  });
}

/**
 * Reserves what is known to be needed before the first byte is asked for. IntakeError: 413 when the announced length
 * is too large, for the memory, too; 503 when that is used up. Whatever comes of it, the caller releases the
 * reservation.
 */
export async function reserveBody(reservation: Reservation, request: IncomingMessage, maxBytes: number): Promise<void> {
  assertPlainlyTransferred(request);
  const encoding = encodingOf(request);
  const length = announcedLength(request);
  if (length !== undefined && length > maxBytes) throw bodyTooLarge(maxBytes);
  const expected = encoding === 'identity' ? length ?? 0 : 0;
  await reservation.grow(REQUEST_BYTES + DECODER_BYTES[encoding] + expected);
  // Only a test that the lines will fit: the accumulator reserves each buffer when it makes it.
  reservation.shrink(expected);
}

export function announcedLength(request: IncomingMessage): number | undefined {
  const header = request.headers['content-length'];
  return header === undefined ? undefined : Number(header);
}

/**
 * Reads the whole body. IntakeError: 400 broken encoding or the client went away, 408 too slow, 413 over a limit, 503
 * no memory. The request is left paused and undestroyed, so that an answer can still be written.
 */
export async function readBody(
  request: IncomingMessage, reservation: Reservation, options: BodyReaderOptions,
): Promise<Body> {
  const encoding = encodingOf(request);
  const length = announcedLength(request);
  const lines = new LineAccumulator({
    reservation, pool: options.pool, maxBytes: options.maxBytes,
    ...(encoding === 'identity' && length !== undefined ? { expectedBytes: length } : {}),
  });
  const append = (chunk: Buffer): Promise<void> | undefined => {
    options.onBytes?.(chunk.length);
    return lines.append(chunk);
  };
  try {
    await consume(request, decoderFor(encoding, append), options);
    return { ...await lines.finish(), recycle: () => { lines.recycle(); } };
  } catch (error) {
    lines.recycle();
    throw error;
  }
}

type Append = (chunk: Buffer) => Promise<void> | undefined;

interface Decoder {
  write(chunk: Buffer): undefined | Promise<void>;
  end(): void | Promise<void>;
  destroy(): void;
}

/** Feeds a request to a decoder with back pressure; an error leaves the request paused. */
async function consume(request: IncomingMessage, decoder: Decoder, options: BodyReaderOptions): Promise<void> {
  const { clock, timeoutMs } = options;
  let cancel: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown): void => {
        request.pause();
        reject(error instanceof Error ? error : new Error(messageOf(error)));
      };
      cancel = clock.timer(timeoutMs, () => { fail(tooSlow(timeoutMs)); });
      if (request.destroyed && !request.complete) fail(brokenOff());
      request.once('error', () => { fail(brokenOff()); });
      request.once('close', () => { if (!request.complete) fail(brokenOff()); });
      // `end` may come while the last write is still in work.
      let writing: Promise<void> = Promise.resolve();
      request.on('data', (chunk: Buffer) => {
        try {
          const written = decoder.write(chunk);
          if (written === undefined) return;
          request.pause();
          writing = written;
          written.then(() => request.resume(), fail);
        } catch (error) {
          fail(error);
        }
      });
      request.once('end', () => {
        writing.then(() => decoder.end()).then(resolve, fail);
      });
    });
  } finally {
    cancel?.();
    request.removeAllListeners('data');
    decoder.destroy();
  }
}

function tooSlow(timeoutMs: number): IntakeError {
  return new IntakeError(`the body did not arrive within ${timeoutMs} ms`, {
    status: 408, code: 'body-timeout', remedy: 'send smaller bodies or use a faster connection',
  });
}

function brokenOff(): IntakeError {
  return new IntakeError('the client closed the connection within the body', {
    status: 400, code: 'body-incomplete', remedy: 'send the request again',
  });
}

function decoderFor(encoding: BodyEncoding, append: Append): Decoder {
  if (encoding === 'identity') return { write: append, end: () => undefined, destroy: () => undefined };
  if (encoding === 'zstd') return zstdDecoder(append);
  let decoder: Decoder | undefined;
  const decoderFrom = (chunk: Buffer): Decoder => {
    if (encoding === 'gzip') return streamDecoder(createGunzip(), append);
    // "deflate" means zlib's format (RFC 9110, section 8.4.1.2), but some clients send it bare: the first byte tells.
    return streamDecoder(((chunk[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw(), append);
  };
  return {
    write: (chunk) => (decoder ??= decoderFrom(chunk)).write(chunk),
    end: () => {
      if (decoder === undefined) throw unreadableBody(`the ${encoding} body is empty`);
      return decoder.end();
    },
    destroy: () => decoder?.destroy(),
  };
}

function zstdDecoder(append: Append): Decoder {
  const scanner = new ZstdFrameScanner();
  const inner = streamDecoder(
    createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } }), append);
  return {
    write: async (chunk) => {
      let slices: Buffer[];
      try {
        slices = scanner.push(chunk);
      } catch (error) {
        throw unreadableBody('the body is not zstd', error);
      }
      for (const slice of slices) await inner.write(slice);
    },
    end: async () => {
      if (!scanner.complete) throw unreadableBody('the zstd body ends within a frame');
      await inner.end();
    },
    destroy: () => { inner.destroy(); },
  };
}

/** A zlib stream as a decoder. Its output goes to `append` as it comes, so a bomb is cut at the limit. */
function streamDecoder(stream: Transform, append: Append): Decoder {
  let failure: unknown;
  let isLast = false;
  const failed = new Promise<never>((_resolve, reject) => {
    // Node then leaves the rest where it is, and the write that brought it without an answer.
    stream.on('end', () => { if (!isLast) reject(unreadableBody('the body goes on behind the end of what is compressed')); });
    stream.on('error', (error) => {
      reject(failure instanceof Error ? failure : unreadableBody(`the body can't be decompressed: ${error.message}`, error));
    });
  });
  failed.catch(() => undefined);
  stream.on('data', (chunk: Buffer) => {
    if (failure !== undefined) return;
    const stop = (error: unknown): void => {
      failure = error;
      stream.destroy(new Error('stopped'));
    };
    try {
      const waiting = append(chunk);
      if (waiting === undefined) return;
      // A decoder that nobody reads stops by itself, and so does the connection behind it.
      stream.pause();
      waiting.then(() => { stream.resume(); }, stop);
    } catch (error) {
      stop(error);
    }
  });
  return {
    write: (chunk) => Promise.race([
      failed, new Promise<void>((resolve) => { stream.write(chunk, () => { resolve(); }); }),
    ]).then(() => (failure === undefined ? undefined : failed)),
    end: async () => {
      isLast = true;
      stream.end();
      await Promise.race([failed, once(stream, 'end')]);
    },
    destroy: () => stream.destroy(),
  };
}
