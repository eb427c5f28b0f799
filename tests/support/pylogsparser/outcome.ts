import { createHash } from 'node:crypto';
import { type NormaliserChain, printLogValue } from '../../../src/normaliser/normaliser';

/** `s` text, `n` number, `d` date; numbers and dates as Python prints them. */
export type PrintedTag = readonly [kind: string, text: string];

/** What one of the two made of a line. */
export interface Outcome {
  readonly tags: Readonly<Record<string, PrintedTag>>;
  /** The exception that ended PyLogsParser's chain. */
  readonly error?: string | null;
}

/** The instant at which all lines are read, by both: at the end of a year, so that few dates are in the future. */
export const RECEIVED_MS = Date.UTC(2026, 11, 31, 23, 59, 0);

/** PyLogsParser's callers give a line as `raw` and as `body`; ours is the body as long as no other is found. */
export function ourOutcome(
  chain: NormaliserChain, text: string, received = { receivedMs: RECEIVED_MS, timeZone: 'UTC' },
): Outcome {
  const { log } = chain.run({ text, ...received });
  const tags: Record<string, PrintedTag> = {};
  for (const [name, value] of new Map([['body', log.get('raw') ?? text], ...log])) {
    const kind = typeof value === 'string' ? 's' : typeof value === 'number' ? 'n' : 'd';
    tags[name] = [kind, printLogValue(value) ?? ''];
  }
  return { tags };
}

export interface Difference {
  readonly tag: string;
  readonly ours: PrintedTag | undefined;
  readonly theirs: PrintedTag | undefined;
}

export function differences(ours: Outcome, theirs: Outcome): readonly Difference[] {
  const names = new Set([...Object.keys(ours.tags), ...Object.keys(theirs.tags)]);
  return [...names].flatMap((tag) => {
    const [left, right] = [ours.tags[tag], theirs.tags[tag]];
    return left?.[0] === right?.[0] && left?.[1] === right?.[1] ? [] : [{ tag, ours: left, theirs: right }];
  });
}

/** 16 hex digits that stand for an outcome's tags. */
export function digestOf(outcome: Outcome): string {
  const tags = Object.entries(outcome.tags).sort(([left], [right]) => (left < right ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(tags)).digest('hex').slice(0, 16);
}
