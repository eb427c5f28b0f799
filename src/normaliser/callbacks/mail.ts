import { type Callback, refuse } from '../callback';
import { logDate } from '../log-date';
import { cut, lowerCase, slice, textTag, words } from '../python-values';
import { MONTHS } from './common-dates';

export const decodeBitdefenderAction: Callback = (value, log) => {
  const [action, info, ...rest] = words(value);
  if (!action || info === undefined || rest.length > 0) refuse('there are not two words');
  log.set('action', action);
  log.set('action_info', info);
};

const SPAM_REASONS: readonly (readonly [form: RegExp, reason: string])[] = [
  [/^.*, hit signature: (.*), /s, 'signature'],
  [/^.*, blacklisted, /s, 'blacklisted'],
  [/^.*, URI DNSBL: \[(.*)\], /s, 'URI DNSBL'],
  [/^.*, spam url, /s, 'spam url'],
  [/^.*, SQMD Hits: (.*) , /s, 'SQMD Hits'],
];

export const extractSpamReason: Callback = (value, log) => {
  log.set('stamp', value);
  for (const [form, reason] of SPAM_REASONS) {
    const match = form.exec(value);
    if (match === null) continue;
    if (match[1] !== undefined) log.set('reason_detail', match[1]);
    log.set('reason', reason);
    return;
  }
};

export const extractBody: Callback = (_value, log) => { log.set('body', cut(textTag(log, 'raw'), ': ')[1]); };

const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})\.(\d{1,3})?Z/;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** Exchange's `Name:value, …`: names in CamelCase become lower_case, times are printed as C's ctime does. */
export const decodeSourceContext: Callback = (value, log) => {
  const text = value.startsWith('"') ? slice(value, 1, -1) : value;
  const pairs = new Map(text.split(', ').map((pair) => cut(pair, ':')));
  for (const [name, content] of pairs) {
    const parts = name.match(/[A-Z][a-z0-9]+/g);
    log.set(lowerCase(parts?.join('_') ?? name), TIME.test(content) ? ctime(content) : content);
  }
};

function ctime(text: string): string {
  const match = TIME.exec(text) ?? refuse('no time');
  const at = (index: number): number => Number(match[index] ?? refuse('there is no fraction'));
  const date = logDate({ year: at(1), month: at(2), day: at(3), hour: at(4), minute: at(5), second: at(6),
    micros: at(7) * 1_000 }) ?? refuse('there is no such date');
  const weekday = WEEKDAYS[new Date(date.wallMs).getUTCDay()] ?? '';
  const clock = text.slice(11, 19);
  return `${weekday} ${MONTHS[at(2) - 1] ?? ''} ${String(at(3)).padStart(2)} ${clock} ${match[1] ?? ''}`;
}
