import type { FileState } from '../archive/states';
import type { IndexDocument } from '../index/ports';
import type { NormalisedLine, NormaliserInput } from '../normaliser/ports';
import type { ReadLine } from './reader';

const LF = 10;
const CR = 13;

/** A line's text as it is indexed. */
export interface LineText {
  readonly text: string;
  /** The line was longer than what is indexed of it; the archive has all of it. */
  readonly truncated: boolean;
}

/**
 * The indexed text of an archived line: without its LF and one CR before it, UTF-8 with U+FFFD in place of what is
 * none, cut to at most `maxBytes` of UTF-8 on a character boundary. A function of its arguments alone.
 */
export function textOf(raw: Buffer, maxBytes: number): LineText {
  let end = raw.length;
  if (end > 0 && raw[end - 1] === LF) end -= 1;
  if (end > 0 && raw[end - 1] === CR) end -= 1;
  const truncated = end > maxBytes;
  const text = raw.toString('utf8', 0, truncated ? boundaryBefore(raw, maxBytes) : end);
  // A replaced byte takes three: only then can the text be longer than the bytes that it came from.
  if (end * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return { text, truncated };
  const encoded = Buffer.from(text, 'utf8');
  return { text: encoded.toString('utf8', 0, boundaryBefore(encoded, maxBytes)), truncated: true };
}

/** The largest offset ≤ `at` that does not lie within a UTF-8 character. */
function boundaryBefore(bytes: Buffer, at: number): number {
  let boundary = at;
  // A character has at most three continuation bytes; more are no UTF-8 and may be cut anywhere.
  while (boundary > at - 3 && boundary > 0 && isContinuation(bytes[boundary])) boundary -= 1;
  return isContinuation(bytes[boundary]) ? at : boundary;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

export function inputOf(text: LineText, line: ReadLine, state: FileState): NormaliserInput {
  return { text: text.text, receivedMs: line.receivedMs, timeZone: state.timeZone };
}

/** The document of a line: only from what is stored, so that indexing it again changes nothing (schedule 17). */
export function documentOf(
  text: LineText, line: ReadLine, normalised: NormalisedLine, state: FileState,
): IndexDocument {
  return {
    id: `${state.id}!${line.line}`,
    fileId: state.id,
    line: line.line,
    sourceId: state.sourceId,
    source: state.sourceName,
    dateMs: normalised.dateMs ?? line.receivedMs,
    receivedMs: line.receivedMs,
    text: text.text,
    truncated: text.truncated,
    found: normalised.found,
    definitions: state.definitions,
  };
}
