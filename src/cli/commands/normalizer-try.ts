import type { Command } from 'commander';
import { createReadStream, statSync } from 'node:fs';
import { InputError, NotFoundError } from '../../errors';
import { definitionSetOf } from '../../normaliser/definition-set';
import { createNormaliser } from '../../normaliser/normaliser';
import type { Normalised, Normaliser } from '../../normaliser/ports';
import { isTimeZone } from '../../normaliser/time-zone';
import { withFiles, withUserFiles } from '../../normaliser/user-definitions';
import type { CommandContext } from '../context';
import { commonFiles, readDefinitionPaths } from '../definition-files';
import { formatCount, printable } from '../output';
import { textLines } from '../text-lines';
import { collect } from './search';

interface TryOptions {
  readonly definitions?: readonly string[];
  readonly definition?: readonly string[];
  readonly timeZone: string;
  readonly json?: boolean;
}

export function addTryCommand(normalizer: Command, context: CommandContext): void {
  normalizer.command('try').summary('normalise lines and show what comes of each')
    .description('Shows for each line which patterns matched, the tags, and the time it took. Needs no cluster.')
    .argument('[file]', 'file of lines; - is standard input', '-')
    .option('--definitions <folder>', 'use the definitions of this folder in the place of the program\'s; may be repeated', collect)
    .option('--definition <file>', 'use this definition too; may be repeated', collect)
    .option('--time-zone <zone>', 'IANA name of the zone in which dates without one are read', 'UTC')
    .option('--json', 'one JSON object a line: line, matched, tags')
    .addHelpText('after', [
      '', 'Examples:',
      '  resilog normalizer try /var/log/auth.log',
      '  tail -n 100 app.log | resilog normalizer try --definition my-app.xml --json', '',
    ].join('\n'))
    .action(async (file: string, options: TryOptions) => { await tryLines(context, file, options); });
}

async function tryLines(context: CommandContext, file: string, options: TryOptions): Promise<void> {
  const { clock, output } = context;
  if (!isTimeZone(options.timeZone)) {
    throw new InputError(`--time-zone "${options.timeZone}" is no time zone`, { remedy: 'use an IANA name, e.g. Europe/Paris' });
  }
  const input = file === '-' ? process.stdin : fileStream(file);
  const normaliser = await normaliserOf(context, options);
  let lines = 0;
  let matched = 0;
  let totalMs = 0;
  for await (const line of textLines(input as AsyncIterable<Buffer>)) {
    if (context.signal.aborted) break;
    const before = clock.monotonic();
    const result = normaliser.normalise({ text: line, receivedMs: clock.now(), timeZone: options.timeZone });
    const tookMs = clock.monotonic() - before;
    lines += 1;
    totalMs += tookMs;
    if (result.matched.length > 0) matched += 1;
    if (options.json) output.json({ line, matched: result.matched, tags: allTags(result) });
    else show(context, line, result, tookMs);
  }
  const each = lines === 0 ? '' : `, ${Math.round((totalMs / lines) * 1_000)} µs a line`;
  output.note(`${formatCount(lines)} lines, ${formatCount(matched)} of them matched${each}.`);
}

function fileStream(file: string): AsyncIterable<unknown> {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) throw new NotFoundError(`there is no file ${file}`);
  return createReadStream(file);
}

async function normaliserOf(context: CommandContext, options: TryOptions): Promise<Normaliser> {
  const base = options.definitions === undefined
    ? (await context.services.programDefinitions()).files
    : [...await commonFiles(), ...await readDefinitionPaths(options.definitions)];
  // Behind the others, as definitions of users run in a cluster.
  const added = withFiles([], await readDefinitionPaths(options.definition ?? []));
  return createNormaliser(withUserFiles(definitionSetOf(base), added));
}

/** The tags, and with them what a document keeps elsewhere: its date and its body. */
function allTags({ tags, dateMs, body }: Normalised): Readonly<Record<string, string | number>> {
  return {
    ...tags,
    ...(dateMs === undefined ? {} : { date: new Date(dateMs).toISOString() }),
    ...(body === undefined ? {} : { body }),
  };
}

function show({ output }: CommandContext, line: string, result: Normalised, tookMs: number): void {
  output.line(output.style.bold(printable(line)));
  const took = output.style.dim(`${Math.round(tookMs * 1_000)} µs`);
  if (result.matched.length === 0) {
    output.line(`  ${output.style.warn('nothing matched: the line would be indexed raw')}  ${took}`);
    return;
  }
  const patterns = result.matched.map(({ normalizer, pattern }) => `${normalizer} (${pattern})`).join(', ');
  output.line(`  ${output.style.good(patterns)}  ${took}`);
  const tags = Object.entries(allTags(result)).sort(([left], [right]) => (left < right ? -1 : 1));
  const width = Math.min(32, Math.max(...tags.map(([name]) => name.length)));
  for (const [name, value] of tags) output.line(`  ${output.style.mark(name.padEnd(width))}  ${printable(String(value))}`);
}
