import { highlightsOf, type Highlight } from '../index/highlight';
import type { Hit } from '../index/ports';
import type { Output, Style } from './output';
import { printable } from './output';

const INDENT = '  ';
/** Narrower terminals are treated as this wide. */
const COLUMNS_MIN = 40;

/**
 * A hit as people read it: when and from where, the line with the query's words marked, its tags. On a terminal the
 * line is wrapped between words and the tags are cut to one row; elsewhere nothing is.
 */
export function hitRows(hit: Hit, queryText: string, output: Pick<Output, 'style' | 'columns'>): readonly string[] {
  const { style } = output;
  const width = Math.max(COLUMNS_MIN, output.columns) - 1;
  const message = hit.message ?? '';
  // Control characters are shown by one character each, so the places stay right.
  const marks = Number.isFinite(width) ? highlightsOf(queryText, message) : [];
  const tags = cut(tagsOf(hit), width - INDENT.length);
  return [
    `${style.dim(hit.date)} ${style.mark(hit.source)} ${style.dim(hit.id)}`,
    ...wrap(printable(message), width - INDENT.length)
      .map(({ start, text }) => INDENT + marked(text, start, marks, style)),
    ...(tags === '' ? [] : [INDENT + style.dim(tags)]),
  ];
}

function tagsOf(hit: Hit): string {
  return Object.entries(hit.tags)
    // The message's own text again.
    .filter(([name]) => name !== 'body')
    .map(([name, value]) => `${name}=${printable(String(value))}`)
    .join(' ');
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

interface Row {
  /** Place of the row's first character in the whole text. */
  readonly start: number;
  readonly text: string;
}

/** Rows of at most `width` characters, cut behind a space where one is in the row's second half. */
function wrap(text: string, width: number): readonly Row[] {
  const rows: Row[] = [];
  let start = 0;
  while (text.length - start > width) {
    const space = text.lastIndexOf(' ', start + width);
    const end = space > start + width / 2 ? space + 1 : start + width;
    rows.push({ start, text: text.slice(start, end).trimEnd() });
    start = end;
  }
  return [...rows, { start, text: text.slice(start) }];
}

function marked(text: string, offset: number, marks: readonly Highlight[], style: Style): string {
  let shown = '';
  let at = 0;
  for (const [start, end] of marks) {
    const from = Math.max(at, start - offset);
    const to = Math.min(text.length, end - offset);
    if (to <= from) continue;
    shown += text.slice(at, from) + style.found(text.slice(from, to));
    at = to;
  }
  return shown + text.slice(at);
}
