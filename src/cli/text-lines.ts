/** Characters of a line that are looked at; the rest of a longer one is dropped. */
const LINE_CHARACTERS = 1024 * 1024;

/** The lines of a stream of bytes, as UTF-8 with U+FFFD for what is none, without LF and one CR before it. */
export async function* textLines(input: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of input) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, LINE_CHARACTERS);
    for (const line of lines) yield withoutReturn(line);
  }
  rest += decoder.decode();
  if (rest !== '') yield withoutReturn(rest);
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
