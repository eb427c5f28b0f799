import type { Command } from 'commander';
import type { Hit, IndexQuery, SearchResult } from '../../index/ports';
import { ShapeCounter, type ShapeGroup } from '../../normaliser/line-shape';
import type { CommandContext } from '../context';
import { formatCount, printable } from '../output';
import { parseCount, parseTime } from '../time';

interface UnparsedOptions {
  readonly source?: string;
  readonly from?: string;
  readonly lines: string;
  readonly groups: string;
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
    .option('--lines <n>', 'lines to look at, the newest first, 1 to 1000000', '10000')
    .option('--groups <n>', 'groups to show, 1 to 1000', '20')
    .option('--json', 'one JSON object a line: source, shape, lines, example, id')
    .addHelpText('after', '\nExamples:\n  resilog normalizer unparsed --source web\n  resilog normalizer unparsed --from 24h --json\n')
    .action(async (options: UnparsedOptions) => { await unparsed(context, options); });
}

async function unparsed(context: CommandContext, options: UnparsedOptions): Promise<void> {
  const { output, clock } = context;
  const most = parseCount(options.lines, '--lines', 1, 1_000_000);
  const shown = parseCount(options.groups, '--groups', 1, 1_000);
  const query: IndexQuery = {
    text: UNPARSED,
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(options.from === undefined ? {} : { fromMs: parseTime(options.from, clock.now()) }),
  };
  const counter = new ShapeCounter();
  let seen = 0;
  let first: SearchResult | undefined;
  for await (const { page, hits } of pages(context, query, most)) {
    first ??= page;
    for (const { source, message, id } of hits) {
      counter.add(source, message ?? '', id);
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
