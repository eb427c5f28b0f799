import type { Difference, Outcome } from './outcome';

/** Where we differ from PyLogsParser on purpose: the original is wrong, or cannot run on the line at all. */
export interface AcceptedDifference {
  readonly name: string;
  readonly reason: string;
  accounts(text: string, found: readonly Difference[], theirs: Outcome): boolean;
}

export const acceptedDifferences: readonly AcceptedDifference[] = [
  {
    name: 'year',
    reason: 'the original sets a date without a year that lies a minute ahead of its clock back by a year; ours takes '
      + 'the year that is nearest to the stored reception, so that a skewed clock costs seconds and no year',
    accounts: (_text, found) => found.every(({ tag, ours, theirs }) => (
      tag === 'date' && ours !== undefined && theirs !== undefined
      && Math.abs(Number(ours[1].slice(0, 4)) - Number(theirs[1].slice(0, 4))) === 1
      && ours[1].slice(4) === theirs[1].slice(4))),
  },
  {
    name: 'csv of Python 2',
    reason: 'csv patterns of the original never match text that is not ASCII, for Python 2’s csv module cannot read it',
    accounts: (text, found, theirs) => !isAscii(text) && theirs.error === null
      && CSV_TAGS.some((tag) => found.some((difference) => difference.tag === tag && difference.theirs === undefined)),
  },
  {
    name: 'ASCII of Python 2',
    reason: 'a callback of the original fails on text that is not ASCII, and the line loses its tags',
    accounts: (_text, _found, theirs) => /'ascii' codec can't/.test(theirs.error ?? ''),
  },
  {
    name: 'case of Python 2',
    reason: 'without regard to case İ is an i for Python 2 and ſ is no s; ours goes by Unicode’s simple case folding',
    accounts: (text) => /[\u0130\u017f\u212a\u00b5]/.test(text),
  },
  {
    name: 'suffix list',
    reason: 'the original’s list of public suffixes is of 2012; ours is today’s',
    accounts: (_text, found) => found.every(({ tag }) => tag === 'url_domain' || tag === 'referer_domain'),
  },
];

/** A tag of each csv pattern. */
const CSV_TAGS = ['deny_all_uid', 'event_uid', 'event_logger_type', 'exchange_source'];

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
