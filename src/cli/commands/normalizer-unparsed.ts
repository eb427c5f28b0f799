import type { Command } from 'commander';
import type { Hit, IndexQuery, SearchResult } from '../../index/ports';
import { selectDefinitions } from '../../normaliser/definition-selection';
import { definitionSetOf } from '../../normaliser/definition-set';
import { ShapeCounter, type ShapeGroup } from '../../normaliser/line-shape';
import { createNormaliser } from '../../normaliser/normaliser';
import type { DefinitionSet } from '../../normaliser/ports';
import type { CommandContext } from '../context';
import { formatCount, printable } from '../output';
import { parseCount, parseTime } from '../time';
import { definitionsInForce } from './normalizer-definitions';

interface UnparsedOptions {
  readonly source?: string;
  readonly from?: string;
  readonly lines: string;
  readonly groups: string;
  readonly headers?: boolean;
  readonly json?: boolean;
}

const PAGE_ROWS = 1_000;
/** Lines in which no normalizer found anything. */
const UNPARSED = 'NOT normalizers:*';

export function addUnparsedCommand(normalizer: Command, context: CommandContext): void {
  normalizer.command('unparsed').summary('group the lines that no definition knows')
    .description('Groups lines that no definition knows by their shape, the most frequent first: what to write a definition for next.')
    .option('--source <name>', 'only lines of this source')
    .option('--from <time>', 'only lines dated at or after: 2026-03-01T12:00:00Z, or so long ago: 15m, 24h, 7d')
    .option('--headers', 'also lines of which only the header is known, such as syslog\'s, by their program and what follows')
    .option('--lines <n>', 'lines to look at, the newest first, 1 to 1000000', '10000')
    .option('--groups <n>', 'groups to show, 1 to 1000', '20')
    .option('--json', 'one JSON object a line: source, shape, lines, example, id')
    .addHelpText('after', '\nExamples:\n  resilog normalizer unparsed --source web\n  resilog normalizer unparsed --headers --from 24h\n')
    .action(async (options: UnparsedOptions) => { await unparsed(context, options); });
}

async function unparsed(context: CommandContext, options: UnparsedOptions): Promise<void> {
  const { output, clock } = context;
  const most = parseCount(options.lines, '--lines', 1, 1_000_000);
  const shown = parseCount(options.groups, '--groups', 1, 1_000);
  const definitions = options.headers === true ? await definitionsInForce(context) : undefined;
  const textOf = definitions === undefined ? (line: string) => line : withoutHeader(definitions);
  const query: IndexQuery = {
    text: definitions === undefined ? UNPARSED : withHeadersAtMost(definitions),
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(options.from === undefined ? {} : { fromMs: parseTime(options.from, clock.now()) }),
  };
  const counter = new ShapeCounter();
  let seen = 0;
  let first: SearchResult | undefined;
  for await (const { page, hits } of pages(context, query, most)) {
    first ??= page;
    for (const { source, message, id } of hits) {
      counter.add(source, textOf(message ?? ''), id);
      seen += 1;
    }
    output.progress(`${formatCount(seen)} of ${formatCount(Math.min(most, page.count))} lines`);
  }
  output.progress('');
  const groups = counter.sorted().slice(0, shown);
  if (options.json) for (const group of groups) output.json(group);
  else showGroups(context, groups);
  const rest = counter.withoutGroup === 0 ? '' : `; ${formatCount(counter.withoutGroup)} of them are of too many shapes`;
  output.note(`${formatCount(first?.count ?? 0)} lines are unparsed, ${formatCount(seen)} were looked at${rest}.`);
  for (const { value, count } of first?.facets.source ?? []) output.note(`  ${value}: ${formatCount(count)}`);
}

const isHeader = (file: string): boolean => file.startsWith('headers/');

/** Lines in which nothing was found but by definitions of headers. */
function withHeadersAtMost(set: DefinitionSet): string {
  const ids = selectDefinitions(set).map(({ definition }) => definition).filter(({ place }) => !isHeader(place.file))
    .map(({ id }) => `normalizers:"${id.replace(/[\\"]/g, '\\$&')}"`);
  return ids.length === 0 ? '*' : `NOT (${ids.join(' OR ')})`;
}

/** `program: body` of a line whose header is known, else the line. */
function withoutHeader(set: DefinitionSet): (line: string) => string {
  const chain = createNormaliser(definitionSetOf(
    set.files.filter(({ name }) => isHeader(name) || name.includes('/common_'))));
  return (text) => {
    const { body, tags } = chain.normalise({ text, receivedMs: 0, timeZone: 'UTC' });
    if (body === undefined) return text;
    return tags.program === undefined ? body : `${tags.program}: ${body}`;
  };
}

async function* pages(
  context: CommandContext, query: IndexQuery, most: number,
): AsyncGenerator<{ page: SearchResult; hits: readonly Hit[] }> {
  const index = await context.services.index();
  const collections = await context.services.collections();
  let cursor: string | undefined;
  for (let left = most; left > 0 && !context.signal.aborted;) {
    const page = await index.search(collections, {
      query, rows: Math.min(PAGE_ROWS, left), sort: [{ field: 'date', order: 'desc' }],
      ...(cursor === undefined ? { facets: ['source'] } : { cursor }),
    });
    yield { page, hits: await context.services.withText(page.hits) };
    left -= page.hits.length;
    cursor = page.cursor;
    if (cursor === undefined || page.hits.length === 0) return;
  }
}

function showGroups({ output }: CommandContext, groups: readonly ShapeGroup[]): void {
  for (const { source, shape, lines, example, id } of groups) {
    output.line(`${output.style.bold(formatCount(lines))}  ${output.style.mark(source)}  ${printable(shape)}`);
    output.line(`  e.g. ${printable(example)}`);
    output.line(`  ${output.style.dim(id)}`);
  }
}
