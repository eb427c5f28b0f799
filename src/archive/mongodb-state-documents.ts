import { ObjectId, type Condition, type Filter } from 'mongodb';
import { decodeRanges, encodeRanges, rangeLines } from './line-ranges';
import type { StateDocument } from './mongodb-schema';
import type { FileState, LineRanges, StateQuery } from './states';

export function toStateDocument(state: FileState): StateDocument {
  const { id, tombstones, ...rest } = state;
  return { _id: new ObjectId(id), ...rest, ...tombstoneFields(tombstones, state.lines) };
}

export function tombstoneFields(
  tombstones: LineRanges, lines: number,
): Pick<StateDocument, 'tombstones' | 'buried'> {
  return { tombstones: encodeRanges(tombstones, lines), buried: rangeLines(tombstones) };
}

export function fromStateDocument(document: StateDocument): FileState {
  const { _id, tombstones, ...rest } = document;
  const state: FileState & { buried?: number } = {
    id: _id.toHexString(), ...rest, tombstones: decodeRanges(tombstones),
  };
  // Follows from the tombstones; stored for conditions within the database only.
  delete state.buried;
  return state;
}

export function toStateFilter(query: StateQuery): Filter<StateDocument> {
  const { phases, sourceId, receivedThroughMs, progressOutsideMs, queuedOutsideMs, after } = query;
  return {
    ...(phases === undefined ? {} : { phase: { $in: [...phases] } }),
    ...(sourceId === undefined ? {} : { sourceId }),
    ...(receivedThroughMs === undefined ? {} : { firstReceivedMs: { $lte: receivedThroughMs } }),
    ...(progressOutsideMs === undefined ? {} : { progressMs: outside(progressOutsideMs) }),
    ...(queuedOutsideMs === undefined ? {} : { queuedMs: outside(queuedOutsideMs) }),
    ...(after === undefined ? {} : { _id: { $gt: new ObjectId(after) } }),
  };
}

function outside([fromMs, toMs]: readonly [number, number]): Condition<number> {
  return { $not: { $gte: fromMs, $lte: toMs } };
}
