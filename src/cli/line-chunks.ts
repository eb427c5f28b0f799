/**
 * Cuts a byte stream into bodies of whole lines of about `chunkBytes`. A line longer than that makes a body of its
 * own; the last one needs no line end. Empty input gives nothing. At most one chunk and one line are held.
 */
export async function* lineChunks(
  input: AsyncIterable<Buffer>, chunkBytes: number, maxLineBytes: number,
): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const piece of input) {
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes < chunkBytes) continue;
    const all = Buffer.concat(held, heldBytes);
    let start = 0;
    while (all.length - start >= chunkBytes) {
      const end = endOfChunk(all, start, chunkBytes);
      if (end === undefined) break;
      yield all.subarray(start, end);
      start = end;
    }
    const rest = all.subarray(start);
    if (rest.length > maxLineBytes + chunkBytes) {
      // The producer refuses such a line; hand it over rather than hold ever more of it.
      yield rest;
      held = [];
      heldBytes = 0;
      continue;
    }
    held = [rest];
    heldBytes = rest.length;
  }
  if (heldBytes > 0) yield Buffer.concat(held, heldBytes);
}

/** The last line end within the chunk, or the first one behind it. */
function endOfChunk(all: Buffer, start: number, chunkBytes: number): number | undefined {
  const within = all.lastIndexOf(10, start + chunkBytes - 1);
  if (within >= start) return within + 1;
  const behind = all.indexOf(10, start + chunkBytes);
  return behind < 0 ? undefined : behind + 1;
}
