import { type Callback, refuse, type WorkingLog } from '../callback';
import { logDate } from '../log-date';
import { cut, optionalTextTag, pythonIntOrNone, slice, strip, textTag, words } from '../python-values';
import { commonDateCallbacks } from './common-dates';

type Names = readonly (readonly [from: string, to: string])[];

function rename(log: WorkingLog, names: Names): void {
  for (const [from, to] of names) {
    const value = log.get(from);
    if (value === undefined) continue;
    log.delete(from);
    log.set(to, value);
  }
}

const NETFILTER_NAMES: Names = [
  ['in', 'inbound_int'], ['out', 'outbound_int'], ['src', 'source_ip'], ['dst', 'dest_ip'], ['proto', 'protocol'],
  ['spt', 'source_port'], ['dpt', 'dest_port'],
];
/** Keys in lower case, and the tags that their values become. */
const NETFILTER_TAGS: ReadonlyMap<string, string> = new Map([...NETFILTER_NAMES, ['mac', 'mac'], ['len', 'len']]);

/** The kernel's `KEY=value` words; other keys and empty values are left out. */
export const decodeNetfilter: Callback = (value, log) => {
  // The original renames a tag of such a name wherever it comes from.
  rename(log, NETFILTER_NAMES);
  for (const word of words(value)) {
    const sign = word.indexOf('=');
    if (sign < 0 || word.endsWith('=')) continue;
    if (word.includes('=', sign + 1)) refuse('a word has two "="');
    const tag = NETFILTER_TAGS.get(word.slice(0, sign).toLowerCase());
    if (tag !== undefined) log.set(tag, word.slice(sign + 1));
  }
  const mac = optionalTextTag(log, 'mac');
  if (mac !== undefined) {
    log.set('dest_mac', slice(mac, 0, 17));
    log.set('source_mac', slice(mac, 18, -6));
    log.delete('mac');
  }
  log.set('program', 'netfilter');
};

const POSTFIX_KEYS = new Set(['client', 'to', 'from', 'orig_to', 'relay', 'size', 'message-id', 'status']);
const POSTFIX_NAMES: Names = [
  ['to', 'message_recipient'], ['from', 'message_sender'], ['size', 'len'], ['message-id', 'message_id'],
];

/** Postfix's `key=value, …`; the daemon's name after `postfix/` becomes `component`. */
export const decodePostfix: Callback = (value, log) => {
  const program = optionalTextTag(log, 'program') ?? '';
  if (program.startsWith('postfix')) {
    log.set('component', slice(program, 8));
    log.set('program', 'postfix');
  }
  for (const couple of value.split(', ')) {
    const [name, text] = cut(couple, '=');
    if (!POSTFIX_KEYS.has(name)) continue;
    const bare = strip(text, '<>');
    log.set(name, name === 'status' ? (words(bare)[0] ?? refuse('the status is empty')) : bare);
  }
  rename(log, POSTFIX_NAMES);
  decodePeer(log, 'client', 'source');
  decodePeer(log, 'relay', 'dest');
};

/** `host[address]:port`, the last two optional. */
function decodePeer(log: WorkingLog, tag: string, prefix: string): void {
  if (!log.has(tag)) return;
  const match = /^([A-Za-z0-9\-.]+)(\[[^\n]*\])?(:\d+)?$/.exec(textTag(log, tag)) ?? refuse(`${tag} has another form`);
  log.set(`${prefix}_host`, match[1] ?? '');
  if (match[2] !== undefined) log.set(`${prefix}_ip`, strip(match[2], '[]'));
  if (match[3] !== undefined) log.set(`${prefix}_port`, strip(match[3], ':'));
}

export const decodeSquidUser: Callback = (value, log) => {
  if (value !== '-') log.set('user', value);
};

/** PyLogsParser lets any character stand between the numbers of an address. */
export const decodeSquidDestination: Callback = (value, log) => {
  log.set(/^(?:\d{1,3}[^\n]){3}\d{1,3}(?![.0-9])/.test(value) ? 'dest_ip' : 'dest_host', value);
};

const LEA_TAGS: readonly (readonly [key: string, tag: string])[] = [
  ['loc', 'id'], ['product', 'product'], ['i/f_dir', 'i/f_dir'], ['i/f_name', 'i/f_name'], ['orig', 'orig'],
  ['type', 'type'], ['action', 'action'], ['proto', 'protocol'], ['rule', 'rule'], ['src', 'src'], ['dst', 'dst'],
  ['s_port', 'source_port'], ['service', 'dest_port'], ['uuid', 'lea_uuid'],
];
const ADDRESS = /^(?:[0-9]{1,3}[.]){3}[0-9]{1,3}(?![.0-9])/;

/** Check Point's `key=value|…`. */
export const decodeLea: Callback = (value, log, input) => {
  const fields = new Map(value.split('|').map((field) => cut(field, '=')));
  for (const [key, tag] of LEA_TAGS) {
    const text = fields.get(key);
    if (text !== undefined) log.set(tag, text);
  }
  log.set('body', textTag(log, 'body').replaceAll('|', ' '));
  decodeLeaTime(fields.get('time') ?? refuse('there is no time'), log, input);
  for (const [tag, prefix] of [['src', 'source'], ['dst', 'dest'], ['orig', 'local']] as const) {
    const text = textTag(log, tag);
    log.set(ADDRESS.test(text) ? `${prefix}_ip` : `${prefix}_host`, text);
  }
  for (const tag of ['src', 'dst', 'orig']) log.delete(tag);
  const direction = textTag(log, 'i/f_dir');
  const name = textTag(log, 'i/f_name');
  if (direction === 'inbound') log.set('inbound_int', name);
  if (direction === 'outbound') log.set('outbound_int', name);
  log.delete('i/f_dir');
  log.delete('i/f_name');
};

function decodeLeaTime(time: string, log: WorkingLog, input: Parameters<Callback>[2]): void {
  const callback = pythonIntOrNone(time) !== undefined ? 'EPOCH' : 'YYYY-MM-DD hh:mm:ss';
  const isDate = callback === 'EPOCH' || /^\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d{1,2}:\d{1,2}$/.test(time);
  try {
    if (!isDate) refuse('the time has another form');
    commonDateCallbacks.get(callback)?.(time, log, input);
  } catch {
    log.set('time', time);
  }
}

/** Fail2ban's `2012-07-24 10:11:12,345`. */
export const decodeFail2banDate: Callback = (value, log) => {
  const match = /^(\d{4}).(\d{2}).(\d{2}).(\d{2}).(\d{2}).(\d{2})[^,]*,(\d+)$/.exec(value) ?? refuse('no date');
  const at = (index: number): number => Number(match[index]);
  const date = logDate({ year: at(1), month: at(2), day: at(3), hour: at(4), minute: at(5), second: at(6),
    micros: at(7) * 1_000 });
  log.set('date', date ?? refuse('there is no such date'));
};
