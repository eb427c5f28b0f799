import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { InputError } from '../../errors';
import { createDeletion, previewDeletion, runDeletion } from '../../retention/deletion';
import type { DeletionProgress } from '../../retention/deletion-dependencies';
import type { DeletionRequest } from '../../retention/ports';
import type { CommandContext } from '../context';
import { formatCount } from '../output';
import { parseCount } from '../time';
import { addQueryOptions, parseQuery, type QueryOptions } from './search';

interface DeleteOptions extends QueryOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function addDeleteCommand(parent: Command, context: CommandContext): void {
  addQueryOptions(parent.command('delete'))
    .summary('delete lines from the index and the archive')
    .description('Deletes what matches from the index and the archive. The request is stored: it survives an interruption, and'
      + ' runs again in the background until nothing received before it can appear any more (see `resilog deletion list`).')
    .argument('<query>', 'as in `resilog search`')
    .option('--dry-run', 'only count what would be deleted')
    .option('--yes', 'do not ask')
    .option('--json', 'one JSON object: id, state, lines, files')
    .action(async (text: string, options: DeleteOptions) => {
      await remove(context, text, options);
    });
  const deletion = parent.command('deletion').summary('look at stored deletions')
    .description('Deletions that were requested. Each is stored and runs again until nothing it asks for can appear any more.');
  deletion.command('list', { isDefault: true }).summary('list stored deletions, newest first')
    .option('--pending', 'only those that are not done')
    .option('--limit <n>', 'deletions to show, 1 to 100000', '1000')
    .option('--json', 'one JSON object a line')
    .action(async (options: { pending?: boolean; limit: string; json?: boolean }) => {
      const deletions = await context.services.deletions();
      const limit = parseCount(options.limit, '--limit', 1, 100_000);
      const requests = await deletions.list({ limit, newestFirst: true, ...(options.pending && { state: 'pending' }) });
      if (options.json) for (const request of requests) context.output.json(publicFacts(request));
      else {
        context.output.table([
          ['deletion', 'state', 'lines', 'files', 'requested', 'query'],
          ...requests.map((request) => [
            request.id, request.state, formatCount(request.lines), formatCount(request.files),
            new Date(request.throughMs).toISOString(), describe(request),
          ]),
        ]);
      }
    });
}

function publicFacts(request: DeletionRequest): Record<string, unknown> {
  const { id, state, lines, files, query, requestedBy, throughMs } = request;
  return { id, state, lines, files, query, requestedBy, through: new Date(throughMs).toISOString() };
}

function describe({ query }: DeletionRequest): string {
  const { text, ...filters } = query;
  return [text, ...Object.entries(filters).map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(' ');
}

async function remove(context: CommandContext, text: string, options: DeleteOptions): Promise<void> {
  const { output, clock, random, services, signal } = context;
  const query = parseQuery(text, options, clock.now());
  const dependencies = await services.deletionDependencies();
  const onProgress = (progress: DeletionProgress): void => {
    output.progress(`${formatCount(progress.lines)} lines in ${formatCount(progress.files)} files`);
  };
  if (options.dryRun || !options.yes) {
    const preview = await previewDeletion(query, dependencies, { signal, onProgress });
    output.progress('');
    if (options.dryRun) {
      if (options.json) output.json({ dryRun: true, ...preview });
      else output.line(`${formatCount(preview.lines)} lines in ${formatCount(preview.files)} files would be deleted.`);
      return;
    }
    await confirm(preview);
  }
  const request = await createDeletion(query, `${process.env.USER ?? 'unknown'} (command line)`, { ...dependencies, random });
  const result = await runDeletion(request, dependencies, { signal, onProgress });
  output.progress('');
  if (options.json) output.json(publicFacts(result));
  else {
    output.line(`${formatCount(result.lines)} lines in ${formatCount(result.files)} files are deleted.`);
    if (result.state === 'pending') {
      output.note(`Lines received before ${new Date(result.throughMs).toISOString()} that are not indexed yet follow in the background; `
        + `deletion ${result.id} is in \`resilog deletion list\`.`);
    }
  }
}

/** Asks on the terminal; without one there is nobody to ask. */
async function confirm(preview: DeletionProgress): Promise<void> {
  if (!process.stdin.isTTY) throw new InputError('nobody can be asked', { remedy: 'use --yes, after a look with --dry-run' });
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`Delete ${formatCount(preview.lines)} lines in ${formatCount(preview.files)} files for good? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new InputError('nothing was deleted');
  } finally {
    asking.close();
  }
}
