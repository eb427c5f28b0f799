import type { Command } from 'commander';
import { NotFoundError } from '../../errors';
import { checkDefinitions, type DefinitionReport } from '../../normaliser/definition-check';
import { DefinitionError } from '../../normaliser/definition-error';
import { selectDefinitions } from '../../normaliser/definition-selection';
import { definitionSetOf } from '../../normaliser/definition-set';
import { createNormaliser } from '../../normaliser/normaliser';
import type { DefinitionFile, DefinitionSet } from '../../normaliser/ports';
import { isUserFile, userFileName, withFiles, withUserFiles } from '../../normaliser/user-definitions';
import { UserDefinitions } from '../../registry/user-definitions';
import type { CommandContext } from '../context';
import { readDefinitionPaths } from '../definition-files';
import { ExitCode } from '../exit-codes';
import { showReport } from './normalizer-check';

/** `add`, `test`, `list`, `show`, `remove`: the users' definitions, which all processes of the cluster share. */
export function addUserDefinitionCommands(normalizer: Command, context: CommandContext): void {
  addAdd(normalizer, context);
  addTest(normalizer, context);
  addList(normalizer, context);
  addShow(normalizer, context);
  addRemove(normalizer, context);
}

async function userDefinitions({ services, clock }: CommandContext): Promise<UserDefinitions> {
  const stores = (await services.volumes()).map(({ definitions }) => definitions);
  return new UserDefinitions({ coordination: await services.coordination(), stores, clock });
}

function addAdd(normalizer: Command, context: CommandContext): void {
  normalizer.command('add').summary('add definitions to the cluster, or replace them')
    .description('Checks definitions against their examples and adds them, all or none, in the place of those of the same file name. '
      + 'Producers and consumers use them for files that close from then on, within two seconds.')
    .argument('<path...>', 'files, or folders of files')
    .option('--json', 'one JSON object: version, added, report')
    .addHelpText('after', '\nExamples:\n  resilog normalizer add my-app.xml\n  resilog normalizer add my-definitions/\n')
    .action(async (pathNames: string[], options: { json?: boolean }) => {
      const program = await context.services.programDefinitions();
      const added = await readDefinitionPaths(pathNames);
      let report: DefinitionReport | undefined;
      const { set } = await (await userDefinitions(context)).change((former) => {
        const files = withFiles(former, added);
        report = checkTogether(program, files);
        refuseFailures(context, report, options.json === true);
        return files;
      });
      const names = added.map(({ name }) => userFileName(name));
      if (options.json) context.output.json({ version: set, added: names, report });
      else {
        if (report !== undefined) showReport(context.output, report);
        context.output.line(`Added ${names.join(', ')}.`);
        if (report?.examples === 0) context.output.note('They have no examples: what they give is not checked, now or later.');
      }
    });
}

function addTest(normalizer: Command, context: CommandContext): void {
  normalizer.command('test').summary('check definitions as `add` would, and add nothing')
    .description('Checks definitions against their examples beside those that the cluster has. Ends with 65 when they would be refused.')
    .argument('<path...>', 'files, or folders of files')
    .option('--json', 'one JSON object, as of `normalizer check`')
    .action(async (pathNames: string[], options: { json?: boolean }) => {
      const program = await context.services.programDefinitions();
      const former = await (await userDefinitions(context)).files();
      const report = checkTogether(program, withFiles(former, await readDefinitionPaths(pathNames)));
      if (report.failures.length > 0) context.setExitCode(ExitCode.data);
      if (options.json) context.output.json(report);
      else showReport(context.output, report);
    });
}

function addList(normalizer: Command, context: CommandContext): void {
  normalizer.command('list').summary('list the definitions in force')
    .option('--all', 'those of the program too')
    .option('--json', 'one JSON object a line: normalizer, appliedTo, patterns, file')
    .action(async (options: { all?: boolean; json?: boolean }) => {
      const rows = selectDefinitions(await definitionsInForce(context)).map(({ definition }) => ({
        normalizer: definition.id, appliedTo: definition.appliedTo, patterns: definition.patterns.length,
        file: definition.place.file,
      })).filter(({ file }) => options.all === true || isUserFile(file));
      if (options.json) {
        for (const row of rows) context.output.json(row);
        return;
      }
      context.output.table([
        ['normalizer', 'applied to', 'patterns', 'file'],
        ...rows.map((row) => [row.normalizer, row.appliedTo, String(row.patterns), row.file]),
      ]);
      if (rows.length === 0) context.output.note('There are no definitions but the program\'s; --all lists those.');
    });
}

function addShow(normalizer: Command, context: CommandContext): void {
  normalizer.command('show').summary('print a definition\'s XML')
    .argument('<name>', 'name of a normalizer, or of a file as `list` has it')
    .option('--json', 'one JSON object: file, xml')
    .action(async (name: string, options: { json?: boolean }) => {
      const set = await definitionsInForce(context);
      const file = fileOf(set, set.files, name);
      if (options.json) context.output.json({ file: file.name, xml: file.xml });
      else context.output.line(file.xml.trimEnd());
    });
}

function addRemove(normalizer: Command, context: CommandContext): void {
  normalizer.command('remove').summary('take a definition from the cluster')
    .description('Takes a definition that was added away again. What was indexed with it stays as it is.')
    .argument('<name>', 'name of a normalizer, or of a file as `list` has it')
    .option('--json', 'one JSON object: version, removed')
    .action(async (name: string, options: { json?: boolean }) => {
      const program = await context.services.programDefinitions();
      let removed = '';
      const { set } = await (await userDefinitions(context)).change((former) => {
        removed = fileOf(withUserFiles(program, former), former, name).name;
        const files = former.filter((file) => file.name !== removed);
        // Others may use what it defines: they are refused without it.
        createNormaliser(withUserFiles(program, files));
        return files;
      });
      if (options.json) context.output.json({ version: set ?? null, removed });
      else context.output.line(`Removed ${removed}.`);
    });
}

/** The program's and the users'. */
export async function definitionsInForce(context: CommandContext): Promise<DefinitionSet> {
  const program = await context.services.programDefinitions();
  return withUserFiles(program, await (await userDefinitions(context)).files());
}

/** The report on the users' files, in the company that they will have. */
function checkTogether(program: DefinitionSet, files: readonly DefinitionFile[]): DefinitionReport {
  const common = program.files.filter(({ name }) => name.includes('/common_'));
  const alone = checkDefinitions([...common, ...files]);
  if (alone.failures.length > 0) return alone;
  // All together, as processes will use them: what one can't use must not get into the registry.
  createNormaliser(withUserFiles(program, files));
  return alone;
}

/** DefinitionError, and nothing is changed, when anything failed. */
function refuseFailures(context: CommandContext, report: DefinitionReport, json: boolean): void {
  const [first] = report.failures;
  if (first === undefined) return;
  if (json) context.output.json({ report });
  else showReport(context.output, report);
  throw new DefinitionError({ file: first.file, line: first.line, element: 'normalizer' },
    'the definitions are refused, and nothing is changed',
    'Correct what is listed above; `resilog normalizer check FILE` tells whether it is right, without a cluster.');
}

/** The file among `files` that has the name, or defines the normalizer of that name. NotFoundError when none does. */
function fileOf(set: DefinitionSet, files: readonly DefinitionFile[], name: string): DefinitionFile {
  const normalizer = selectDefinitions(definitionSetOf(set.files)).map(({ definition }) => definition)
    .filter((definition) => definition.name === name || definition.id === name).at(-1);
  const found = files.find((file) => file.name === name || file.name === `user/${name}`)
    ?? files.find((file) => file.name === normalizer?.place.file);
  if (found === undefined) {
    throw new NotFoundError(`there is no definition "${name}"`, { remedy: '`resilog normalizer list --all` shows all' });
  }
  return found;
}
