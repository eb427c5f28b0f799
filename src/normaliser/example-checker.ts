import type { CompiledDefinition } from './compiled-definition';
import type { ExampleDefinition, PatternDefinition } from './definition';
import { runDefinition } from './definition-runner';
import { createNormaliser, printLogValue } from './normaliser';
import type { DefinitionSet, NormaliserInput } from './ports';
import { withinTime } from './time-limit';

/** An example that does not give what it says. */
export interface ExampleFailure {
  readonly normalizer: string;
  readonly pattern: string;
  readonly file: string;
  readonly line: number;
  /** One sentence. */
  readonly problem: string;
}

export interface ExampleReport {
  readonly normalizers: number;
  readonly patterns: number;
  readonly examples: number;
  readonly passed: number;
  readonly expectedTags: number;
  readonly equal: number;
  readonly failures: readonly ExampleFailure[];
}

/** Most take microseconds. */
const EXAMPLE_MS = 2_000;
/** Examples are read as if received now: fixed, so that they give the same always; a year they lack is near it. */
const EXAMPLE_RECEIVED_MS = Date.UTC(2026, 0, 1);

/**
 * Runs every example of a set on its own normalizer, without the prerequisites, as PyLogsParser's `validate` does,
 * and besides demands that it is the example's own pattern which matches. Throws DefinitionError as createNormaliser.
 */
export function checkExamples(set: DefinitionSet): ExampleReport {
  const { definitions } = createNormaliser(set);
  const checks = definitions.flatMap((compiled) => compiled.definition.patterns.flatMap((pattern) => (
    pattern.examples.map((example) => checkExample(compiled, pattern, example)))));
  const sum = (count: (check: ExampleCheck) => number): number => (
    checks.reduce((total, check) => total + count(check), 0));
  return {
    normalizers: definitions.length,
    patterns: definitions.reduce((total, { definition }) => total + definition.patterns.length, 0),
    examples: checks.length,
    passed: sum(({ failures }) => (failures.length === 0 ? 1 : 0)),
    expectedTags: sum(({ expected }) => expected),
    equal: sum(({ equal }) => equal),
    failures: checks.flatMap(({ failures }) => failures),
  };
}

interface ExampleCheck {
  readonly expected: number;
  readonly equal: number;
  readonly failures: readonly ExampleFailure[];
}

function checkExample(
  compiled: CompiledDefinition, pattern: PatternDefinition, example: ExampleDefinition,
): ExampleCheck {
  const failures: ExampleFailure[] = [];
  const fail = (problem: string): void => {
    const { file, line } = example.place;
    failures.push({ normalizer: compiled.id, pattern: pattern.name, file, line, problem });
  };
  const expected = example.expectedTags.length;
  const input: NormaliserInput = { text: example.text, receivedMs: EXAMPLE_RECEIVED_MS, timeZone: 'UTC' };
  const log = new Map([[compiled.appliedTo, example.text]]);
  const run = withinTime(EXAMPLE_MS, () => runDefinition({ ...compiled, prerequisites: [] }, log, input));
  if (run === undefined) {
    fail(`the example takes more than ${EXAMPLE_MS / 1_000} s: a pattern can match it in too many ways`);
    return { expected, equal: 0, failures };
  }
  const outcome = run.result;
  if (outcome.kind !== 'matched') {
    fail(outcome.kind === 'refused' ? 'a callback refuses the example' : 'no pattern matches the example');
    return { expected, equal: 0, failures };
  }
  if (outcome.pattern !== pattern.name) fail(`the example matches pattern "${outcome.pattern}" instead`);
  let equal = 0;
  for (const [name, value] of example.expectedTags) {
    const found = printLogValue(outcome.log.get(name));
    if (found === value) equal += 1;
    else fail(`the tag "${name}" should be ${JSON.stringify(value)} and is ${JSON.stringify(found) ?? 'absent'}`);
  }
  return { expected, equal, failures };
}
