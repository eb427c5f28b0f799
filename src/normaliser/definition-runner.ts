import { CallbackMismatch, type LogValue, type WorkingLog } from './callback';
import type { CompiledCsvPattern, CompiledDefinition, CompiledPattern, CompiledTag } from './compiled-definition';
import { splitCsvLine } from './csv-line';
import type { NormaliserInput } from './ports';

/** What a normalizer did with a line. */
export type RunOutcome =
  | { readonly kind: 'matched'; readonly pattern: string; readonly log: WorkingLog }
  | { readonly kind: 'unmatched' }
  /** A callback refused: the log is as it was before, and PyLogsParser stops the chain here. */
  | { readonly kind: 'refused'; readonly pattern: string };

const UNMATCHED: RunOutcome = { kind: 'unmatched' };

/** Applies one normalizer to the tags found so far. The log given may be changed; go on with the one returned. */
export function runDefinition(compiled: CompiledDefinition, log: WorkingLog, input: NormaliserInput): RunOutcome {
  const value = valueOf(compiled.appliedTo, log);
  if (typeof value !== 'string' || !prerequisitesHold(compiled, log)) return UNMATCHED;
  const match = compiled.regexp === undefined ? null : compiled.regexp.exec(value);
  if (match !== null) return applyMatch(compiled, match, log, input);
  for (const pattern of compiled.csvPatterns) {
    const outcome = applyCsv(compiled, pattern, value, log, input);
    if (outcome.kind !== 'unmatched') return outcome;
  }
  return UNMATCHED;
}

/** A line in which no header was found is its own body, as PyLogsParser's callers give it. */
function valueOf(appliedTo: string, log: WorkingLog): LogValue | undefined {
  return log.get(appliedTo) ?? (appliedTo === 'body' ? log.get('raw') : undefined);
}

function prerequisitesHold(compiled: CompiledDefinition, log: WorkingLog): boolean {
  return compiled.prerequisites.every(({ tag, form }) => {
    const value = log.get(tag) ?? '';
    return typeof value === 'string' && form.test(value);
  });
}

function applyMatch(
  compiled: CompiledDefinition, match: RegExpExecArray, before: WorkingLog, input: NormaliserInput,
): RunOutcome {
  const pattern = compiled.patterns.find(({ marker }) => match[marker] !== undefined);
  if (pattern === undefined) return UNMATCHED;
  // A callback may refuse half-way, and then nothing of this normalizer may remain.
  const log = pattern.hasCallbacks || compiled.finalCallbacks.length > 0 ? new Map(before) : before;
  try {
    setTags(pattern, match, log, input);
  } catch (error) {
    return error instanceof CallbackMismatch ? UNMATCHED : { kind: 'refused', pattern: pattern.name };
  }
  return finish(compiled, pattern, log, input);
}

function setTags(pattern: CompiledPattern, match: RegExpExecArray, log: WorkingLog, input: NormaliserInput): void {
  pattern.tags.forEach((tag, index) => {
    const value = match[pattern.firstCapture + index];
    if (value !== undefined) setTag(tag, value, log, input);
  });
}

function setTag(tag: CompiledTag, value: string, log: WorkingLog, input: NormaliserInput): void {
  log.set(tag.name, value);
  for (const callback of tag.callbacks) callback(value, log, input);
  if (tag.isPrivate) log.delete(tag.name);
}

/** Common tags of pattern and normalizer, the taxonomy, and the final callbacks, whose refusal keeps what was found. */
function finish(
  compiled: CompiledDefinition, pattern: Pick<CompiledPattern, 'name' | 'commonTags'>, log: WorkingLog,
  input: NormaliserInput,
): RunOutcome {
  for (const [name, value] of pattern.commonTags) log.set(name, value);
  for (const [name, value] of compiled.commonTags) log.set(name, value);
  if (compiled.taxonomy) log.set('taxonomy', compiled.taxonomy);
  let result = log;
  try {
    for (const callback of compiled.finalCallbacks) {
      const changed = new Map(result);
      callback('', changed, input);
      result = changed;
    }
  } catch {
    // What the patterns found stands; only the final callback's own changes are dropped.
  }
  return { kind: 'matched', pattern: pattern.name, log: result };
}

function applyCsv(
  compiled: CompiledDefinition, pattern: CompiledCsvPattern, value: string, before: WorkingLog, input: NormaliserInput,
): RunOutcome {
  const fields = splitFields(pattern, value);
  if (fields === undefined) return UNMATCHED;
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
  return finish(compiled, pattern, new Map([...before, ...data]), input);
}

function splitFields(pattern: CompiledCsvPattern, value: string): readonly string[] | undefined {
  const fields = splitCsvLine(value, pattern.separator, pattern.quote);
  return fields.length === pattern.columns.length ? fields : undefined;
}
