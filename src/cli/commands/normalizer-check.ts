import type { Command } from 'commander';
import type { DefinitionFailure, DefinitionReport } from '../../normaliser/definition-check';
import type { CommandContext } from '../context';
import { commonFiles, readDefinitionPath } from '../definition-files';
import { ExitCode } from '../exit-codes';
import { formatCount, type Output } from '../output';

export function addCheckCommand(normalizer: Command, context: CommandContext): void {
  normalizer.command('check').summary('run the examples of definitions')
    .description('Loads every definition of a folder and runs the examples in them. Needs no cluster. Ends with 65 when anything is wrong.')
    .argument('<folder>', 'folder of definitions, with all below it; or one file')
    .option('--json', 'one JSON object: normalizers, patterns, examples, passed, expectedTags, equal, failures')
    .addHelpText('after', [
      '', 'Common tag types and callbacks that the folder does not define are the program\'s.',
      '', 'Examples:', '  resilog normalizer check my-definitions', '  resilog normalizer check my-app.xml --json', '',
    ].join('\n'))
    .action(async (folder: string, options: { json?: boolean }) => {
      const { checkDefinitions } = await import('../../normaliser/definition-check');
      const report = checkDefinitions([...await commonFiles(), ...await readDefinitionPath(folder)]);
      if (report.failures.length > 0) context.setExitCode(ExitCode.data);
      if (options.json) context.output.json(report);
      else showReport(context.output, report);
    });
}

export function showReport(output: Output, report: DefinitionReport): void {
  for (const failure of report.failures) showFailure(output, failure);
  output.line(`${formatCount(report.normalizers)} normalizers, ${formatCount(report.patterns)} patterns: `
    + `${formatCount(report.passed)} of ${formatCount(report.examples)} examples right, `
    + `${formatCount(report.equal)} of ${formatCount(report.expectedTags)} expected tags equal.`);
}

export function showFailure(output: Output, failure: DefinitionFailure): void {
  const { file, line, pattern, problem, remedy } = failure;
  output.line(`${output.style.bad(`${file}:${line}`)}: ${pattern === undefined ? '' : `${pattern}: `}${problem}`);
  if (remedy !== undefined) output.line(`  ${remedy}`);
}
