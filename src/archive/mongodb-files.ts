import { ObjectId, type Filter } from 'mongodb';
import { CorruptionError, NotFoundError } from '../errors';
import { readBlock, sliceLine } from './block-reader';
import { blockOfLine } from './file-format';
import type { FileBlock, FileBlockContent, FileDescription, FileQuery, Files } from './files';
import { fromFileDocument } from './mongodb-file-documents';
import type { MongodbConnection } from './mongodb-connection';
import type { GridfsFileDocument, MongodbCollections, StateDocument } from './mongodb-schema';

/** Stored bytes that one query asks for: many blocks lie within one GridFS chunk, which is then read once. */
const SPAN_BYTES = 1024 * 1024;

interface Span {
  readonly blocks: readonly FileBlock[];
  readonly start: number;
  readonly end: number;
}

export class MongodbFiles implements Files {
  constructor(private readonly connection: MongodbConnection, private readonly collections: MongodbCollections) {}

  async describe(id: string): Promise<FileDescription | undefined> {
    if (!ObjectId.isValid(id)) return undefined;
    const [file] = await this.find({ _id: new ObjectId(id) }, 1);
    return file;
  }

  async list(query: FileQuery): Promise<readonly FileDescription[]> {
    const filter: Filter<GridfsFileDocument> = {};
    if (query.sourceName !== undefined) filter['metadata.Source'] = query.sourceName;
    if (query.sourceId !== undefined) filter['metadata.sourceId'] = query.sourceId;
    if (query.after !== undefined) filter._id = { $gt: new ObjectId(query.after) };
    return this.find(filter, query.limit);
  }

  async *readBlocks(file: FileDescription, fromLine: number): AsyncIterable<FileBlockContent> {
    const first = blockOfLine(file.blocks, fromLine);
    if (first === -1) return;
    const spans = spansOf(file.blocks.slice(first));
    let next: Promise<Buffer> | undefined;
    for (const [index, span] of spans.entries()) {
      const bytes = await (next ?? this.bytes(file, span));
      const following = spans[index + 1];
      // The next span is on its way while this one is worked on; a failure shows when it is wanted.
      next = following === undefined ? undefined : this.bytes(file, following);
      next?.catch(() => undefined);
      for (const block of span.blocks) {
        const at = block.offset - span.start;
        yield await readBlock(file.id, block, bytes.subarray(at, at + block.length));
      }
    }
  }

  async readLine(file: FileDescription, line: number): Promise<Buffer> {
    const block = file.blocks[blockOfLine(file.blocks, line)];
    if (block === undefined) throw new NotFoundError(`file ${file.id} has no line ${line}`);
    const bytes = await this.bytes(file, { blocks: [block], start: block.offset, end: block.offset + block.length });
    return sliceLine(await readBlock(file.id, block, bytes), line);
  }

  /** Position and RemLines are those of the state: what stands in the metadata may lag behind it. */
  private async find(filter: Filter<GridfsFileDocument>, limit: number): Promise<readonly FileDescription[]> {
    const maxTimeMS = this.connection.maxTimeMS;
    return this.connection.read('find files', async (session) => {
      const documents = await this.collections.files.find(filter, { session, maxTimeMS }).sort({ _id: 1 }).limit(limit)
        .toArray();
      const ids = documents.map(({ _id }) => _id);
      const projection = { position: 1, lines: 1, buried: 1 };
      const states = await this.collections.states
        .find<Pick<StateDocument, '_id' | 'position' | 'lines' | 'buried'>>(
          { _id: { $in: ids } }, { session, maxTimeMS, projection }).toArray();
      const byId = new Map(states.map((state) => [state._id.toHexString(), state]));
      return documents.map(fromFileDocument).map((file) => {
        const state = byId.get(file.id);
        if (state === undefined) return file;
        return { ...file, Position: state.position, RemLines: state.lines - state.buried };
      });
    });
  }

  private async bytes(file: FileDescription, span: Span): Promise<Buffer> {
    const files_id = new ObjectId(file.id);
    const maxTimeMS = this.connection.maxTimeMS;
    return this.connection.read(`read file ${file.id}`, async (session) => {
      const found = await this.collections.files.findOne<Pick<GridfsFileDocument, 'chunkSize'>>(
        { _id: files_id }, { session, maxTimeMS, projection: { chunkSize: 1 } });
      if (found === null) throw new NotFoundError(`there is no file ${file.id}`);
      const { chunkSize } = found;
      const from = Math.floor(span.start / chunkSize);
      const to = Math.ceil(span.end / chunkSize) - 1;
      const chunks = await this.collections.chunks
        .find({ files_id, n: { $gte: from, $lte: to } }, { session, maxTimeMS }).sort({ n: 1 }).toArray();
      const complete = chunks.length === to - from + 1 && chunks.every((chunk, index) => chunk.n === from + index);
      if (!complete) throw new CorruptionError(`file ${file.id} lacks chunks between ${from} and ${to}`);
      const joined = chunks.length === 1 && chunks[0] !== undefined
        ? chunks[0].data : Buffer.concat(chunks.map(({ data }) => data));
      return joined.subarray(span.start - from * chunkSize, span.end - from * chunkSize);
    });
  }
}

function spansOf(blocks: readonly FileBlock[]): Span[] {
  const spans: { blocks: FileBlock[]; start: number; end: number }[] = [];
  for (const block of blocks) {
    const last = spans[spans.length - 1];
    const end = block.offset + block.length;
    if (last !== undefined && end - last.start <= SPAN_BYTES) {
      last.blocks.push(block);
      last.end = end;
    } else {
      spans.push({ blocks: [block], start: block.offset, end });
    }
  }
  return spans;
}
