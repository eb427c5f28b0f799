import { InputError } from '../errors';

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

type State = 'magic' | 'descriptor' | 'header' | 'block' | 'skip-size' | 'skip' | 'pass';

/**
 * Finds where zstd frames end (RFC 8878, section 3.1.1), without decoding them. Needed since node's zstd stream stops
 * after the first frame and takes a cut-off frame for a whole one, both without an error: lines would get a 200
 * and be lost. Slices given out end exactly where a frame ends, so that the decoder starts anew with the next one.
 */
export class ZstdFrameScanner {
  private state: State = 'magic';
  /** Bytes of the header that is being collected, and how many it takes. */
  private collected: number[] = [];
  private wanted = 4;
  /** Bytes to pass on (or to skip) as they are. */
  private passing = 0;
  private lastBlock = false;
  private checksum = false;
  private frames = 0;

  /** True when everything so far makes whole frames, and there was one. */
  get complete(): boolean {
    return this.state === 'magic' && this.collected.length === 0 && this.frames > 0;
  }

  /** Slices to decode, each within one frame. InputError when the bytes are not zstd frames. */
  push(chunk: Buffer): Buffer[] {
    const slices: Buffer[] = [];
    let start = 0;
    let position = 0;
    const emit = (end: number): void => {
      if (end > start) slices.push(chunk.subarray(start, end));
      start = end;
    };
    while (position < chunk.length) {
      if (this.state === 'pass' || this.state === 'skip') {
        const length = Math.min(this.passing, chunk.length - position);
        position += length;
        this.passing -= length;
        if (this.state === 'skip') start = position;
        if (this.passing === 0 && this.finished()) emit(position);
        continue;
      }
      this.collected.push(chunk[position] ?? 0);
      position += 1;
      if (this.state === 'magic' || this.state === 'skip-size') start = position;
      if (this.collected.length === this.wanted && this.header(slices)) emit(position);
    }
    emit(chunk.length);
    return slices;
  }

  /** Called when the bytes to pass on are through; true at the end of a frame. */
  private finished(): boolean {
    if (this.state === 'pass' && !this.lastBlock) {
      this.expect('block', 3);
      return false;
    }
    if (this.state === 'pass' && this.checksum) {
      this.checksum = false;
      this.passing = 4;
      return false;
    }
    this.expect('magic', 4);
    this.frames += 1;
    return true;
  }

  private expect(state: State, bytes: number): void {
    this.state = state;
    this.wanted = bytes;
    this.collected = [];
  }

  private pass(state: 'pass' | 'skip', bytes: number): void {
    this.state = state;
    this.passing = bytes;
    this.collected = [];
  }

  /** Acts on a header that is complete; true when a frame ends with it. */
  private header(slices: Buffer[]): boolean {
    const bytes = Buffer.from(this.collected);
    if (this.state === 'magic') this.magic(bytes, slices);
    else if (this.state === 'skip-size') this.pass('skip', bytes.readUInt32LE());
    else if (this.state === 'descriptor') this.descriptor(bytes.readUInt8());
    else if (this.state === 'header') this.expect('block', 3);
    else this.block(bytes.readUIntLE(0, 3));
    // An empty skippable frame or block has no bytes that could move the state on.
    return (this.state === 'pass' || this.state === 'skip') && this.passing === 0 && this.finished();
  }

  private magic(bytes: Buffer, slices: Buffer[]): void {
    const magic = bytes.readUInt32LE();
    if (magic === MAGIC) {
      slices.push(bytes);
      this.lastBlock = false;
      this.expect('descriptor', 1);
    } else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      this.expect('skip-size', 4);
    } else {
      throw new InputError('not a zstd frame');
    }
  }

  private descriptor(descriptor: number): void {
    const singleSegment = (descriptor & 0x20) !== 0;
    const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
    this.checksum = (descriptor & 4) !== 0;
    const bytes = (singleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes;
    if (bytes === 0) this.expect('block', 3);
    else this.expect('header', bytes);
  }

  private block(header: number): void {
    const type = (header >> 1) & 3;
    if (type === 3) throw new InputError('a zstd block of a reserved type');
    this.lastBlock = (header & 1) !== 0;
    this.pass('pass', type === 1 ? 1 : header >> 3);
  }
}
