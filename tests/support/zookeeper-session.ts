import { connect } from 'node:net';

interface Server {
  readonly host: string;
  readonly port: number;
}

function packet(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

const TRIES = 10;

/**
 * Ends somebody's session at the server, as an expiry does: a second connection takes the session over and closes
 * it. `greeting` is what the server sent to the session's own connection first (its ConnectResponse). The owner may
 * take it back before it is closed: therefore it is tried until the server says that there is no such session.
 */
export async function endSession(server: Server, greeting: Buffer): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (await takeAndClose(server, greeting) === 'gone') return;
  }
  throw new Error('the session did not end');
}

function takeAndClose(server: Server, greeting: Buffer): Promise<'closed' | 'gone'> {
  const sessionId = greeting.subarray(12, 20);
  const password = greeting.subarray(24, 40);
  const request = Buffer.alloc(28);
  request.writeInt32BE(8_000, 12);
  sessionId.copy(request, 16);
  request.writeInt32BE(16, 24);
  const closeSession = Buffer.alloc(8);
  closeSession.writeInt32BE(1, 0);
  closeSession.writeInt32BE(-11, 4);
  return new Promise((resolve, reject) => {
    let gone = false;
    const socket = connect(server);
    socket.on('connect', () => socket.write(packet(Buffer.concat([request, password]))));
    socket.once('data', (answer: Buffer) => {
      // A negotiated time-out of 0 says that the session is not there any more.
      gone = answer.readInt32BE(8) === 0;
      socket.write(packet(closeSession));
    });
    socket.on('close', () => { resolve(gone ? 'gone' : 'closed'); });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') resolve(gone ? 'gone' : 'closed');
      else reject(error);
    });
    socket.setTimeout(10_000, () => socket.destroy(new Error('ZooKeeper did not end the session')));
  });
}

/** The answer to a four-letter word, e.g. `mntr`. */
export function fourLetterWord(server: Server, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(server, () => socket.write(word));
    socket.setEncoding('utf8');
    socket.setTimeout(2_000, () => socket.destroy(new Error(`no answer to ${word}`)));
    socket.on('data', (data: string) => { answer += data; });
    socket.on('close', () => { resolve(answer); });
    socket.on('error', reject);
  });
}
