import type { LogValue, WorkingLog } from '../../src/normaliser/callback';
import { runDefinition } from '../../src/normaliser/definition-runner';
import type { ChainResult, NormaliserChain } from '../../src/normaliser/normaliser';
import type { Match, NormaliserInput } from '../../src/normaliser/ports';

/**
 * What a chain means, without anything that makes it fast: every normalizer in turn, each by its one regular expression
 * of all patterns, on the text as it is.
 */
export function runReference({ definitions }: NormaliserChain, input: NormaliserInput): ChainResult {
  const matched: Match[] = [];
  let log: WorkingLog = new Map<string, LogValue>([['raw', input.text]]);
  for (const compiled of definitions) {
    const outcome = runDefinition(compiled, log, input);
    if (outcome.kind === 'refused') break;
    if (outcome.kind === 'unmatched') continue;
    log = outcome.log;
    matched.push({ normalizer: compiled.id, pattern: outcome.pattern });
    if (outcome.isLast) break;
  }
  return { log, matched };
}

/** A result in a form that can be compared: tags in the order of their names. */
export function comparable({ log, matched }: ChainResult): string {
  return JSON.stringify([[...log].sort(([left], [right]) => (left < right ? -1 : 1)), matched]);
}
