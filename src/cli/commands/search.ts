import type { Command } from 'commander';
import { InputError } from '../../errors';
import type { Hit, IndexQuery, LogIndex, SearchRequest, SearchResult } from '../../index/ports';
import type { CommandContext } from '../context';
import { csvRow } from '../csv';
import { hitRows } from '../hit-text';
import { formatCount, printable } from '../output';
import { parseCount, parseTime } from '../time';

export interface QueryOptions {
  readonly source?: string;
  readonly from?: string;
  readonly to?: string;
  readonly tag?: readonly string[];
}

interface SearchOptions extends QueryOptions {
  readonly facet?: readonly string[];
  readonly sort?: string;
  readonly rows: string;
  readonly all?: boolean;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly count?: boolean;
  readonly cursor?: string;
}

/** Rows of one page when all hits are fetched. */
const PAGE_ROWS = 1_000;
/** Values of a facet that are shown as text; JSON has all of them. */
const FACET_ROWS = 12;

export function addSearchCommand(parent: Command, context: CommandContext): void {
  addQueryOptions(parent.command('search'))
    .summary('search the indexed lines')
    .description('Searches the indexed lines by words and tags, newest first. See docs/specs/search.md for the query language.')
    .argument('[query]', 'words, "phrases" and tag:value, joined by AND, OR, NOT; everything by default', '*')
    .option('--facet <tag>', 'count the values of a tag; may be repeated', collect)
    .option('--sort <fields>', 'e.g. date:desc,host:asc', 'date:desc')
    .option('--rows <n>', 'hits to show, 1 to 10000', '20')
    .option('--cursor <cursor>', 'go on behind a former page (printed with it)')
    .option('--all', 'every hit, however many')
    .option('--json', 'one JSON object a line')
    .option('--csv', 'comma-separated values (RFC 4180), tags as columns of their own')
    .option('--count', 'only the number of hits')
    .addHelpText('after', [
      '', 'Examples:',
      '  resilog search \'sshd AND "Failed password"\' --from 24h',
      '  resilog search source_ip:192.0.2.7 --source web --facet program',
      '  resilog search program:cron --all --json > cron.ndjson', '',
    ].join('\n'))
    .action(async (text: string, options: SearchOptions) => {
      await search(context, text, options);
    });
}

/** The options that narrow a query, shared by `search` and `delete`. */
export function addQueryOptions(command: Command): Command {
  return command
    .option('--source <name>', 'only lines of this source')
    .option('--from <time>', 'only lines dated at or after: 2026-03-01T12:00:00Z, or so long ago: 15m, 24h, 7d')
    .option('--to <time>', 'only lines dated before')
    .option('--tag <name=value>', 'only lines with this tag; may be repeated', collect);
}

export function collect(value: string, former: readonly string[] = []): readonly string[] {
  return [...former, value];
}

export function parseQuery(text: string, options: QueryOptions, nowMs: number): IndexQuery {
  return {
    text,
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(options.from === undefined ? {} : { fromMs: parseTime(options.from, nowMs) }),
    ...(options.to === undefined ? {} : { toMs: parseTime(options.to, nowMs) }),
    ...(options.tag === undefined ? {} : { tags: options.tag.map(parseTag) }),
  };
}

function parseTag(text: string): { name: string; value: string } {
  const at = text.search(/[=:]/);
  if (at <= 0) throw new InputError(`--tag "${text}" is not a tag`, { remedy: 'write it as name=value, e.g. program=sshd' });
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

function parseSort(text: string): NonNullable<SearchRequest['sort']> {
  return text.split(',').map((part) => {
    const [field = '', order = 'asc'] = part.trim().split(':');
    if (field === '' || (order !== 'asc' && order !== 'desc')) {
      throw new InputError(`--sort "${text}" can't be read`, { remedy: 'write it as field:asc or field:desc, separated by commas' });
    }
    return { field, order };
  });
}

async function search(context: CommandContext, text: string, options: SearchOptions): Promise<void> {
  const request: SearchRequest = {
    query: parseQuery(text, options, context.clock.now()),
    rows: options.count ? 0 : options.all ? PAGE_ROWS : parseCount(options.rows, '--rows', 1, 10_000),
    sort: parseSort(options.sort ?? 'date:desc'),
    ...(options.cursor === undefined ? {} : { cursor: options.cursor }),
    ...(options.facet === undefined ? {} : { facets: options.facet }),
  };
  const index = await context.services.index();
  const collections = await context.services.collections();
  const first = await index.search(collections, request);
  if (options.count) {
    if (options.json) context.output.json({ count: first.count });
    else context.output.line(String(first.count));
    return;
  }
  if (options.csv) await writeCsv(context, index, collections, request, first, options.all === true);
  else if (options.json) await writeJson(context, index, collections, request, first, options.all === true);
  else await writeText(context, index, collections, request, first, options.all === true);
}

/** The pages of a search, the first of which is there already. */
async function* pages(
  index: LogIndex, collections: readonly string[], request: SearchRequest, first: SearchResult, all: boolean,
  signal: AbortSignal,
): AsyncGenerator<readonly Hit[]> {
  yield first.hits;
  let cursor = all ? first.cursor : undefined;
  while (cursor !== undefined && !signal.aborted) {
    // Facets came with the first page.
    const page = await index.search(collections, { ...request, facets: [], cursor });
    yield page.hits;
    cursor = page.cursor;
  }
}

type Writer = (
  context: CommandContext, index: LogIndex, collections: readonly string[], request: SearchRequest, first: SearchResult,
  all: boolean,
) => Promise<void>;

const writeJson: Writer = async (context, index, collections, request, first, all) => {
  for await (const hits of pages(index, collections, request, first, all, context.signal)) {
    for (const hit of await context.services.withText(hits)) context.output.json(hit);
  }
  if (Object.keys(first.facets).length > 0) context.output.json({ facets: first.facets });
  if (!all && first.cursor !== undefined) context.output.note(`--cursor ${first.cursor} goes on behind these.`);
};

const CORE_COLUMNS = ['id', 'date', 'received', 'source', 'message'] as const;

/** Tags become columns; those of the first page decide which, so that nothing has to be held in memory. */
const writeCsv: Writer = async (context, index, collections, request, first, all) => {
  const tags = [...new Set(first.hits.flatMap((hit) => Object.keys(hit.tags)))].sort();
  context.output.line(csvRow([...CORE_COLUMNS, ...tags]));
  for await (const hits of pages(index, collections, request, first, all, context.signal)) {
    for (const hit of await context.services.withText(hits)) {
      context.output.line(csvRow([...CORE_COLUMNS.map((key) => hit[key] ?? ''), ...tags.map((tag) => String(hit.tags[tag] ?? ''))]));
    }
  }
};

const writeText: Writer = async (context, index, collections, request, first, all) => {
  const { output } = context;
  let shown = 0;
  for await (const hits of pages(index, collections, request, first, all, context.signal)) {
    for (const hit of await context.services.withText(hits)) {
      for (const row of hitRows(hit, request.query.text, output)) output.line(row);
      shown += 1;
    }
  }
  for (const [name, values] of Object.entries(first.facets)) {
    output.line();
    const shownValues = values.slice(0, FACET_ROWS);
    output.table([[name, 'lines'], ...shownValues.map(({ value, count }) => [printable(value), formatCount(count)])]);
    const more = values.length - shownValues.length;
    if (more > 0) output.line(`${formatCount(more)} more, less frequent: see --json`);
  }
  output.note(`${formatCount(shown)} of ${formatCount(first.count)} lines found.`);
  if (!all && first.cursor !== undefined) output.note(`Go on with --cursor ${first.cursor}, or see all with --all.`);
};
