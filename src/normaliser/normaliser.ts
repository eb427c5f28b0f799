import { InputError } from '../errors';
import type { LogValue, WorkingLog } from './callback';
import type { CompiledDefinition } from './compiled-definition';
import { compileDefinition } from './definition-compiler';
import { selectDefinitions } from './definition-selection';
import { LineLog } from './line-log';
import { epochMsOf, printLogDate } from './log-date';
import type { DefinitionSet, Match, Normaliser, Normalised, NormaliserInput, TagValue } from './ports';
import { PatternControl } from './pattern-control';
import { Prefilter } from './prefilter';
import { TagStage } from './tag-stage';
import { isTimeZone } from './time-zone';

/** All that the chain knows of a line in the end: PyLogsParser's dictionary, `raw` included. */
export interface ChainResult {
  readonly log: WorkingLog;
  readonly matched: readonly Match[];
}

/** The chain of all normalizers of a set, in PyLogsParser's order: raw, body, then those of other tags. */
export class NormaliserChain implements Normaliser {
  /** Names the patterns, and lets a worker thread treat the dangerous ones with care. */
  readonly control = new PatternControl();
  private readonly stages: readonly TagStage[];
  /** For one line after the other. */
  private readonly log = new LineLog();

  constructor(readonly version: string, readonly definitions: readonly CompiledDefinition[]) {
    const tags = [...new Set(definitions.map(({ appliedTo }) => appliedTo))];
    const prefilter = new Prefilter();
    this.stages = tags.map((tag) => (
      new TagStage(tag, definitions.filter(({ appliedTo }) => appliedTo === tag), prefilter, this.control)));
  }

  normalise(input: NormaliserInput): Normalised {
    if (!isTimeZone(input.timeZone)) throw new InputError(`"${input.timeZone}" is no time zone`);
    this.log.clear();
    const { log, matched } = this.run(input, this.log);
    return normalisedOf(log, matched, input);
  }

  /** Runs every normalizer whose tag is there; a later one overwrites the tags of an earlier one. */
  run(input: NormaliserInput, log = new LineLog()): ChainResult {
    const matched: Match[] = [];
    log.set('raw', input.text);
    for (const stage of this.stages) {
      if (stage.run(log, input, matched) === 'refused') break;
    }
    return { log, matched };
  }
}

/** Compiles a set. Throws DefinitionError, which names the file and the line, if any part of it cannot be used. */
export function createNormaliser(set: DefinitionSet): NormaliserChain {
  const compiled = selectDefinitions(set).map(({ definition, common }) => compileDefinition(definition, common));
  return new NormaliserChain(set.version, inOrder(compiled));
}

/** raw, body, then other tags in the order in which the set names them first. */
function inOrder(definitions: readonly CompiledDefinition[]): readonly CompiledDefinition[] {
  const groups = new Map<string, CompiledDefinition[]>([['raw', []], ['body', []]]);
  for (const definition of definitions) {
    const group = groups.get(definition.appliedTo) ?? [];
    group.push(definition);
    groups.set(definition.appliedTo, group);
  }
  return [...groups.values()].flat();
}

function normalisedOf(log: WorkingLog, matched: readonly Match[], input: NormaliserInput): Normalised {
  const tags: Record<string, TagValue> = {};
  let dateMs: number | undefined;
  log.forEach((value, name) => {
    if (name === 'raw' || name === 'body') return;
    if (typeof value !== 'object') tags[name] = value;
    else if (name === 'date') dateMs = epochMsOf(value, input.timeZone);
    else tags[name] = printLogDate(value);
  });
  const body = log.get('body');
  return { tags, dateMs, matched, body: typeof body === 'string' ? body : undefined };
}

/** What an example's expected tag is compared with: dates and numbers as Python prints them. */
export function printLogValue(value: LogValue | undefined): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : printLogDate(value);
}
