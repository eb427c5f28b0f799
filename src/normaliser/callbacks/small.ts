import { type Callback, refuse } from '../callback';
import { numericDate } from './common-dates';
import { lowerCase, pythonFloat, pythonInt, pythonIntOrNone, slice, words } from '../python-values';
import { SEVERITIES } from './syslog';
import { table } from './lookup';

/** The many callbacks of PyLogsParser's definitions that are a line or two. */

export const decodeUrlPath: Callback = (value, log) => {
  const [method = '', target] = value.split(' ');
  if (target === undefined) return;
  log.set('url_path', target.split('?')[0] ?? '');
  log.set('method', method);
};

/** A length that is no number is the number 0; one that is stays text. */
export const sanitizeLength: Callback = (value, log) => {
  log.set('len', pythonIntOrNone(value.replace(/(?<=\p{Nd})[lL]/u, '')) === undefined ? 0 : value);
};

export const convertTime: Callback = (value, log) => { log.set('time_taken', pythonFloat(value) / 1_000); };

export const noCountry: Callback = () => {
  // Without a database of addresses PyLogsParser sets nothing either.
};

export function lower(tag: string): Callback {
  return (value, log) => { log.set(tag, lowerCase(value)); };
}

/** Python's value[from:to]. */
export function part(tag: string, from: number, to?: number): Callback {
  return (value, log) => { log.set(tag, slice(value, from, to)); };
}

export const decodeAsaSeverity: Callback = (value, log) => {
  log.set('severity_code', value);
  log.set('severity', SEVERITIES[pythonInt(value)] ?? refuse('the severity is out of range'));
};

export const decodeDansguardianDate = numericDate(
  /^(\d{4})\.(\d{1,2})\.(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})/,
  ['year', 'month', 'day', 'hour', 'minute', 'second']);

export const decodeDansguardianActions: Callback = (value, log) => {
  if (value.includes('DENIED')) log.set('action', 'DENIED');
  else if (value.includes('EXCEPTION')) log.set('action', 'EXCEPTION');
  if (value.includes('INFECTED')) log.set('scan_result', 'infected');
  if (value.includes('SCANNED')) log.set('scan_result', 'clean');
  log.set('content_modified', String(value.includes('CONTENTMOD')));
  log.set('url_modified', String(value.includes('URLMOD')));
  log.set('header_modified', String(value.includes('HEADERMOD')));
};

export const decodeNamedCategory: Callback = (value, log) => { log.set('category', value.replace(/:+$/, '')); };

/** The code is a number here, though it is text in syslog's tags. */
export const decodeNamedSeverity: Callback = (value, log) => {
  const severity = value.replace(/:+$/, '');
  const code = (SEVERITIES as readonly string[]).indexOf(severity);
  if (code < 0) refuse('the severity is unknown');
  log.set('severity', severity);
  log.set('severity_code', code);
};

export const decodeNamedView: Callback = (value, log) => {
  log.set('view', words(value.replace(/:+$/, '')).at(-1) ?? refuse('the view is empty'));
};

export const decodeSshAction: Callback = (value, log) => { log.set('action', value === 'Failed' ? 'fail' : 'accept'); };

export const decodePamAction = table('action', [['opened', 'open'], ['closed', 'close']], (value) => value);

export const splitS3Request: Callback = (value, log) => {
  const [method = '', target, protocol] = slice(value, 1, -1).split(' ');
  if (target === undefined || protocol === undefined) refuse('the request is incomplete');
  log.set('http_method', method);
  log.set('http_target', target);
  log.set('protocol', protocol);
};

export const decodeSquidguardCategory: Callback = (value, log) => {
  const [acl, target, rewrite, ...rest] = value.split('/');
  if (acl === undefined || target === undefined || rewrite === undefined || rest.length > 0) {
    log.set('category', value);
    return;
  }
  log.set('category', `${acl}/${target}`);
  log.set('rewrite', rewrite);
};

export const transferCallbacks = {
  type: table('transfer_type', [['a', 'ascii'], ['b', 'binary']], 'UNKNOWN'),
  specialAction: table('special_action', [['C', 'compressed'], ['U', 'uncompressed'], ['T', "tar'ed"], ['_', 'none']], 'UNKNOWN'),
  direction: table('direction', [['o', 'outgoing'], ['i', 'ingoing']], 'UNKNOWN'),
  accessMode: table('access_mode', [['a', 'anonymous'], ['g', 'guest'], ['r', 'real']], 'UNKNOWN'),
  authentication: table('authentication_method', [['0', 'none'], ['1', 'RFC931']], 'UNKNOWN'),
  completion: table('completion_status', [['c', 'complete'], ['i', 'incomplete']], 'UNKNOWN'),
} as const;
