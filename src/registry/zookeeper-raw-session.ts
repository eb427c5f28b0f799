import { connect, type Socket } from 'node:net';
import { UnavailableError, messageOf } from '../errors';
import type { ServerAddress } from './zookeeper-addresses';

/** Writes the fields of a request, as ZooKeeper's jute has them. */
export class RequestBody {
  private readonly parts: Buffer[] = [];

  int(value: number): this {
    const part = Buffer.alloc(4);
    part.writeInt32BE(value);
    this.parts.push(part);
    return this;
  }

  long(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigInt64BE(value);
    this.parts.push(part);
    return this;
  }

  flag(value: boolean): this {
    this.parts.push(Buffer.from([value ? 1 : 0]));
    return this;
  }

  bytes(value: Buffer | undefined): this {
    if (value === undefined) return this.int(-1);
    this.int(value.length).parts.push(value);
    return this;
  }

  text(value: string | undefined): this {
    return this.bytes(value === undefined ? undefined : Buffer.from(value));
  }

  /** With its length in front. */
  packet(): Buffer {
    const content = Buffer.concat(this.parts);
    return Buffer.concat([new RequestBody().int(content.length).taken(), content]);
  }

  private taken(): Buffer {
    return Buffer.concat(this.parts);
  }
}

export interface RawAnswer {
  /** 0, or the number of an error. */
  readonly code: number;
  readonly body: { text(): string };
}

export interface RawSession {
  call(operation: number, write: (body: RequestBody) => RequestBody): Promise<RawAnswer>;
}

const Special = { auth: 100, close: -11 } as const;
const AUTH_XID = -4;
const SESSION_MS = 10_000;
const ANSWER_LIMIT_MS = 15_000;
/** Number, transaction and error of every answer. */
const HEADER_BYTES = 16;
const PACKET_BYTES_MAX = 4 * 1024 * 1024;

/**
 * One short session with one very member, for operations that node-zookeeper-client does not have: `reconfig` and what
 * a member says of its ensemble. No watches, no reconnecting. UnavailableError.
 */
export async function withRawSession<T>(
  server: ServerAddress, credentials: string | undefined, use: (session: RawSession) => Promise<T>,
): Promise<T> {
  const packets = new Packets(connect(server));
  try {
    packets.send(new RequestBody().int(0).long(0n).int(SESSION_MS).long(0n).bytes(Buffer.alloc(16)).flag(false));
    const greeting = await packets.next();
    if (greeting.readInt32BE(4) <= 0) throw new UnavailableError('it gave no session');
    if (credentials !== undefined) {
      packets.send(new RequestBody().int(AUTH_XID).int(Special.auth).int(0).text('digest').text(credentials));
      if (codeOf(await packets.next()) !== 0) throw new UnavailableError('it refuses the credentials');
    }
    let xid = 0;
    return await use({
      call: async (operation, write) => {
        xid += 1;
        packets.send(write(new RequestBody().int(xid).int(operation)));
        const answer = await packets.next();
        return { code: codeOf(answer), body: { text: () => textAt(answer, HEADER_BYTES) } };
      },
    });
  } catch (error) {
    throw new UnavailableError(`ZooKeeper [${server.host}]:${server.port}: ${messageOf(error)}`, { cause: error });
  } finally {
    packets.close();
  }
}

function codeOf(answer: Buffer): number {
  if (answer.length < HEADER_BYTES) throw new UnavailableError('its answer can\'t be read');
  return answer.readInt32BE(12);
}

function textAt(answer: Buffer, offset: number): string {
  const length = answer.readInt32BE(offset);
  return answer.toString('utf8', offset + 4, offset + 4 + Math.max(0, length));
}

/** Packets of one connection, asked for one after another. */
class Packets {
  private received = Buffer.alloc(0);
  private failure: Error | undefined;
  private wake: () => void = () => undefined;

  constructor(private readonly socket: Socket) {
    socket.setTimeout(ANSWER_LIMIT_MS, () => socket.destroy(new Error('no answer in time')));
    socket.on('data', (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
      this.wake();
    });
    socket.on('error', (error) => { this.failure ??= error; });
    socket.on('close', () => {
      this.failure ??= new Error('the connection was closed');
      this.wake();
    });
  }

  send(body: RequestBody): void {
    this.socket.write(body.packet());
  }

  async next(): Promise<Buffer> {
    for (;;) {
      const length = this.received.length < 4 ? -1 : this.received.readInt32BE(0);
      if (length > PACKET_BYTES_MAX) throw new Error('its answer can\'t be read');
      if (length >= 0 && this.received.length >= 4 + length) {
        const packet = this.received.subarray(4, 4 + length);
        this.received = this.received.subarray(4 + length);
        return packet;
      }
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => { this.wake = resolve; });
    }
  }

  close(): void {
    this.socket.end(new RequestBody().int(0).int(Special.close).packet());
    this.socket.destroySoon();
  }
}
