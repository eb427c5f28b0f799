import type { Callback } from '../callback';
import { type LogValue, refuse } from '../callback';
import { pythonInt, strip } from '../python-values';
import { commonDateCallbacks } from './common-dates';

const MANDATORY = ['id', 'time', 'gmtime', 'fw', 'aktype'] as const;
const RENAMED: readonly (readonly [key: string, tag: string])[] = [
  ['pri', 'priority'], ['op', 'method'], ['aktype', 'event_id'], ['src', 'source_ip'], ['dst', 'dest_ip'],
  ['port_src', 'source_port'], ['port_dest', 'dest_port'], ['dstname', 'dest_host'], ['intf_in', 'inbound_int'],
  ['intf_out', 'outbound_int'],
];
const PROFILES = [
  'FTP_BADFILES', 'FTP_SCAN', 'FTP', 'HTTP', 'HTTP_BADURL', 'HTTP_COLDFUSION', 'HTTP_FRONTPAGE', 'HTTP_IIS', 'HTTP_PHP',
  'HTTP_NETSCAPE', 'HTTP_TOMCAT', 'HTTP_APACHE', 'HTTP_WINDOWS', 'HTTP_ORACLE', 'HTTP_TALENTSOFT', 'HTTP_LOTUS',
  'HTTP_UNIX', 'HTTP_CISCO', 'HTTP_WEBLOGIC', 'HTTP_MYSQL', 'HTTP_MACOS', 'HTTP_VIRUSWALL', 'SMTP', 'IMAP4', 'POP3', 'DNS',
] as const;

// A value has no line feed, so that `s` makes the dot what it is in Python.
const FROM = 'from (?<source_ip>.+):(?<source_port>.+)';
const TO = 'to (?<dest_ip>.+):(?<dest_port>.+)';
const ALERTS = [
  `TCP ${FROM} ${TO}[ \\t-\\r]+\\[(?<description>.*)\\]`,
  `UDP ${FROM} ${TO}[ \\t-\\r]+\\[(?<description>.*)\\]`,
  'ICMP:(?<dest_port>.+)\\.(?<source_port>.+) from (?<source_ip>.+) to (?<dest_ip>.+) \\[(?<description>.*)\\]',
  'PROTO:(?<protocol>.+) from (?<source_ip>.+) to (?<dest_ip>.+) \\[(?<description>.*)\\]',
  `Unsequenced packet on non-TCP proto ${FROM}`,
  `Unsequenced TCP packet ${FROM} ${TO}`,
  `ACK unsequenced packet on non-TCP proto ${FROM}`,
  `ACK unsequenced TCP packet ${FROM} ${TO}`,
  `Bad flags on non-TCP proto ${FROM}`,
  `Bad TCP flags (?<flags>.+) ${FROM} ${TO}`,
  `Bad packet ${FROM} ${TO} \\[(?<description>.*)\\]`,
  'Land attack from (?<source_ip>.+) to (?<dest_ip>.+)',
  'New value: (?<source_ip>.+)/(?<network_mask>.+) \\[(?<ports>.+)\\]',
].map((source) => new RegExp(`^${source}`, 's'));
const REASONS = [
  /^Virus (?<virus_name>.+) found in (?<file_name>.+)/s, /^File (?<file_name>.+) encrypted/s,
  /^File (?<file_name>.+): analyze error/s, /^Denied by rule (?<rule_name>.+)/s,
  /^Denied by rule (?<rule_name>.+), put mail in quarantine/s,
];
const ADDRESS = /^(?:[0-9]{1,3}[.]){3}[0-9]{1,3}(?![.0-9])/;

type Fields = Map<string, LogValue>;

/** Arkoon FAST360's `key=value` and `key="value"`; a line without the mandatory keys is left alone. */
export const extractArkoon: Callback = (value, log, input) => {
  const pairs = value.matchAll(/([A-Za-z_-]{2,})=([^" ]+|"[^"]*")/g);
  const fields: Fields = new Map();
  for (const [, key = '', text = ''] of pairs) fields.set(key, text);
  if (MANDATORY.some((key) => !fields.has(key)) || fields.get('id') !== 'firewall') return;
  for (const [key, text] of fields) fields.set(key, strip(textOf(text), '"'));
  fields.set('body', value);
  commonDateCallbacks.get('EPOCH')?.(textOf(fields.get('gmtime')), fields, input);
  fields.delete('time');
  fields.delete('gmtime');
  applyForms(fields, 'alert_desc', ALERTS);
  decodeProfile(fields);
  applyForms(fields, 'reason', REASONS);
  for (const [key, tag] of RENAMED) {
    const text = fields.get(key);
    if (text === undefined) continue;
    fields.delete(key);
    fields.set(tag, text);
  }
  const firewall = textOf(fields.get('fw'));
  fields.set(ADDRESS.test(firewall) ? 'local_ip' : 'local_host', firewall);
  decodeProtocol(fields);
  log.set('program', 'arkoon');
  for (const [key, text] of fields) {
    if (text !== '') log.set(key.replaceAll('-', '_'), text);
  }
};

function applyForms(fields: Fields, key: string, forms: readonly RegExp[]): void {
  if (!fields.has(key)) return;
  const text = textOf(fields.get(key));
  for (const form of forms) {
    for (const [tag, found] of Object.entries(form.exec(text)?.groups ?? {})) fields.set(tag, found);
  }
}

function decodeProfile(fields: Fields): void {
  if (!fields.has('profile')) return;
  const profile = textOf(fields.get('profile'));
  fields.set('profile', PROFILES[pythonInt(profile) - 1] ?? profile);
}

function decodeProtocol(fields: Fields): void {
  if (!fields.has('proto')) return;
  const text = textOf(fields.get('proto'));
  const [, name, ...rest] = text.split('/');
  const isNumbered = text.indexOf('/') > 0;
  if (isNumbered && rest.length > 0) refuse('the protocol has two "/"');
  fields.set('protocol', isNumbered ? name ?? '' : text);
  fields.delete('proto');
}

function textOf(value: LogValue | undefined): string {
  return typeof value === 'string' ? value : refuse('the value is no text');
}
