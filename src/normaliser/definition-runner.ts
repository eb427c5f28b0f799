import { CallbackMismatch, type LogValue, type WorkingLog } from './callback';
import type { CompiledCsvPattern, CompiledDefinition, CompiledPattern, CompiledTag } from './compiled-definition';
import { splitCsvLine } from './csv-line';
import { LineLog } from './line-log';
import type { PatternMatch } from './linear-matcher';
import type { NormaliserInput } from './ports';

/** What a normalizer did with a line. */
export type RunOutcome =
  /** `isLast`: a final callback refused, and PyLogsParser stops the chain behind this normalizer. */
  | { readonly kind: 'matched'; readonly pattern: string; readonly log: WorkingLog; readonly isLast: boolean }
  | { readonly kind: 'unmatched' }
  /** A callback refused: the log is as it was before, and PyLogsParser stops the chain here. */
  | { readonly kind: 'refused'; readonly pattern: string };

const UNMATCHED: RunOutcome = { kind: 'unmatched' };

/**
 * Applies one normalizer to the tags found so far, by its one regular expression of all patterns. This is the meaning
 * of a definition; TagStage gives the same for many at once. The log given may be changed; go on with the one returned.
 */
export function runDefinition(compiled: CompiledDefinition, tags: WorkingLog, input: NormaliserInput): RunOutcome {
  const log = tags instanceof LineLog ? tags : new LineLog(tags);
  const value = valueOf(compiled.appliedTo, log);
  if (typeof value !== 'string' || !prerequisitesHold(compiled, log)) return UNMATCHED;
  const match = compiled.regexp === undefined ? null : compiled.regexp.exec(value);
  if (match === null) return applyAnyCsv(compiled, value, log, input);
  const pattern = compiled.patterns.find(({ marker }) => match[marker] !== undefined);
  return pattern === undefined ? UNMATCHED : applyMatch(compiled, pattern, match, pattern.firstCapture, log, input);
}

/** A line in which no header was found is its own body, as PyLogsParser's callers give it. */
export function valueOf(appliedTo: string, log: WorkingLog): LogValue | undefined {
  return log.get(appliedTo) ?? (appliedTo === 'body' ? log.get('raw') : undefined);
}

export function prerequisitesHold(compiled: CompiledDefinition, log: WorkingLog): boolean {
  for (const { tag, form } of compiled.prerequisites) {
    const value = log.get(tag) ?? '';
    if (typeof value !== 'string' || !form.test(value)) return false;
  }
  return true;
}

/** What follows when a pattern matched, its tags from capture `firstCapture` of the match on. */
export function applyMatch(
  compiled: CompiledDefinition, pattern: CompiledPattern, match: PatternMatch, firstCapture: number, log: LineLog,
  input: NormaliserInput,
): RunOutcome {
  // A callback may refuse half-way, and then nothing of this normalizer may remain.
  if (pattern.hasCallbacks) log.begin();
  try {
    for (let index = 0; index < pattern.tags.length; index += 1) {
      const value = match[firstCapture + index];
      if (value !== undefined) setTag(pattern.tags[index] as CompiledTag, value, log, input);
    }
  } catch (error) {
    log.undo();
    return error instanceof CallbackMismatch ? UNMATCHED : { kind: 'refused', pattern: pattern.name };
  }
  return finish(compiled, pattern, log, input);
}

function setTag(tag: CompiledTag, value: string, log: WorkingLog, input: NormaliserInput): void {
  log.set(tag.name, value);
  for (const callback of tag.callbacks) callback(value, log, input);
  if (tag.isPrivate) log.delete(tag.name);
}

/** Common tags of pattern and normalizer, the taxonomy, and the final callbacks, whose refusal keeps what was found. */
function finish(
  compiled: CompiledDefinition, pattern: Pick<CompiledPattern, 'name' | 'commonTags'>, log: LineLog,
  input: NormaliserInput,
): RunOutcome {
  for (const [name, value] of pattern.commonTags) log.set(name, value);
  for (const [name, value] of compiled.commonTags) log.set(name, value);
  if (compiled.taxonomy) log.set('taxonomy', compiled.taxonomy);
  let isLast = false;
  try {
    for (const callback of compiled.finalCallbacks) {
      log.begin();
      callback('', log, input);
    }
  } catch {
    // What the patterns found stands; only the final callback's own changes are dropped.
    log.undo();
    isLast = true;
  }
  return { kind: 'matched', pattern: pattern.name, log, isLast };
}

/** The first CSV pattern that fits. */
export function applyAnyCsv(
  compiled: CompiledDefinition, value: string, log: LineLog, input: NormaliserInput,
): RunOutcome {
  for (const pattern of compiled.csvPatterns) {
    const outcome = applyCsv(compiled, pattern, value, log, input);
    if (outcome.kind !== 'unmatched') return outcome;
  }
  return UNMATCHED;
}

function applyCsv(
  compiled: CompiledDefinition, pattern: CompiledCsvPattern, value: string, log: LineLog, input: NormaliserInput,
): RunOutcome {
  // With fewer separators there can't be so many fields, whatever is quoted.
  if (countOf(pattern.separator, value) < pattern.columns.length - 1) return UNMATCHED;
  const fields = splitCsvLine(value, pattern.separator, pattern.quote);
  if (fields.length !== pattern.columns.length) return UNMATCHED;
  const data = new Map<string, LogValue>(pattern.columns.map((column, index) => [column, fields[index] ?? '']));
  try {
    for (const tag of pattern.tags) {
      const field = data.get(tag.column);
      if (typeof field !== 'string') continue;
      if (!tag.form.test(field)) return UNMATCHED;
      data.delete(tag.column);
      data.set(tag.name, field);
      if (field !== '') for (const callback of tag.callbacks) callback(field, data, input);
    }
  } catch (error) {
    return error instanceof CallbackMismatch ? UNMATCHED : { kind: 'refused', pattern: pattern.name };
  }
  for (const [name, content] of data) {
    if (name.startsWith('__') || content === '' || content === 0) data.delete(name);
  }
  if (data.size === 0) return UNMATCHED;
  for (const [name, content] of data) log.set(name, content);
  return finish(compiled, pattern, log, input);
}

let counted = { value: '', separator: '', count: 0 };

/** How many there are. Definitions with one separator ask about one text in a row. */
function countOf(separator: string, value: string): number {
  if (counted.separator === separator && counted.value === value) return counted.count;
  let count = 0;
  for (let at = value.indexOf(separator); at >= 0; at = value.indexOf(separator, at + 1)) count += 1;
  counted = { value, separator, count };
  return count;
}
