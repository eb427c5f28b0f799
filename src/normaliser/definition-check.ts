import { compileDefinition } from './definition-compiler';
import { DefinitionError } from './definition-error';
import { loadDefinitionFile } from './definition-loader';
import { selectDefinitions } from './definition-selection';
import { definitionSetOf } from './definition-set';
import { checkExamples, type ExampleReport } from './example-checker';
import type { DefinitionFile } from './ports';

/** Why a file cannot be used, or which example does not give what it says. */
export interface DefinitionFailure {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** One sentence, or its end behind the name of an element. */
  readonly problem: string;
  readonly remedy?: string;
  readonly normalizer?: string;
  readonly pattern?: string;
}

export interface DefinitionReport extends Omit<ExampleReport, 'failures'> {
  readonly failures: readonly DefinitionFailure[];
}

/**
 * Loads the files, leaves out those that cannot be used, and runs the examples of the others: all that is wrong at
 * once. Counts are of the files that can be used.
 */
export function checkDefinitions(files: readonly DefinitionFile[]): DefinitionReport {
  const failures: DefinitionFailure[] = [];
  const usable = withoutUnusable(files, failures);
  const report = checkExamples(definitionSetOf(usable));
  return { ...report, failures: [...failures, ...report.failures] };
}

function withoutUnusable(files: readonly DefinitionFile[], failures: DefinitionFailure[]): readonly DefinitionFile[] {
  let usable = files.filter((file) => attempt(() => loadDefinitionFile(file), failures) === undefined);
  // Each round leaves out a file, so that there are no more rounds than files.
  for (;;) {
    const bad = attempt(() => {
      const selected = selectDefinitions(definitionSetOf(usable));
      for (const { definition, common } of selected) compileDefinition(definition, common);
    }, failures);
    if (bad === undefined) return usable;
    usable = usable.filter(({ name }) => name !== bad);
  }
}

/** The file that is at fault, after noting the failure; undefined when all is well. */
function attempt(work: () => unknown, failures: DefinitionFailure[]): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    const { file, line, element } = error.place;
    failures.push({
      file, line, problem: error.message.slice(error.message.indexOf(`<${element}>`)),
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    });
    return file;
  }
}
