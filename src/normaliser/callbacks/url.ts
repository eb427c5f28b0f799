import { parse } from 'tldts';
import { type Callback, refuse } from '../callback';
import { interned } from '../interned';
import { lowerCase } from '../python-values';

/** What PyLogsParser's definitions take from a URL. Empty parts are empty strings; no part is decoded. */
export interface UrlParts {
  readonly scheme: string;
  /** In lower case, without user, port and the brackets of an IPv6 address. */
  readonly host: string;
  readonly path: string;
}

/** Schemes for which Python's urlparse splits the parameters (`;…`) off the last segment of the path. */
const SCHEMES_WITH_PARAMETERS = new Set([
  '', 'ftp', 'hdl', 'prospero', 'http', 'https', 'imap', 'rtsp', 'rtspu', 'sip', 'sips', 'mms', 'sftp', 'tel',
]);

/**
 * Takes a URL apart by the rules of Python 2.7's urlparse, which are those of RFC 1808 and never fail but for an
 * unclosed bracket in the host, which is refused.
 */
export function parseUrl(url: string): UrlParts {
  const { scheme, rest } = splitScheme(url);
  let path = rest;
  let authority = '';
  if (rest.startsWith('//')) {
    const end = rest.slice(2).search(/[/?#]/);
    authority = end < 0 ? rest.slice(2) : rest.slice(2, end + 2);
    path = end < 0 ? '' : rest.slice(end + 2);
    if (authority.includes('[') !== authority.includes(']')) refuse('the host has half a bracket');
  }
  path = before(before(path, '#'), '?');
  if (SCHEMES_WITH_PARAMETERS.has(scheme) && path.includes(';')) path = withoutParameters(path);
  return { scheme, host: hostOf(authority), path };
}

function splitScheme(url: string): { readonly scheme: string; readonly rest: string } {
  const colon = url.indexOf(':');
  const name = url.slice(0, Math.max(colon, 0));
  const rest = url.slice(colon + 1);
  // Digits alone after the colon are a port, and what is before it no scheme.
  const isScheme = /^[0-9A-Za-z+\-.]+$/.test(name) && (name === 'http' || rest === '' || /[^0-9]/.test(rest));
  return isScheme ? { scheme: name.toLowerCase(), rest } : { scheme: '', rest: url };
}

function before(text: string, mark: string): string {
  const at = text.indexOf(mark);
  return at < 0 ? text : text.slice(0, at);
}

function withoutParameters(path: string): string {
  const at = path.indexOf(';', Math.max(path.lastIndexOf('/'), 0));
  return at < 0 ? path : path.slice(0, at);
}

function hostOf(authority: string): string {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (host.includes('[') && host.includes(']')) return lowerCase(before(host, ']').slice(1));
  return lowerCase(before(host, ':'));
}

/**
 * The domain that a host belongs to: the public suffix and one label more, by the list of the ICANN section. An IPv4
 * address stays whole. Under a suffix that is in no list, all but the first label, as PyLogsParser guesses; a host of
 * one or two labels stays whole.
 */
export function registrableDomainOf(host: string): string {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) && host.split('.').every((number) => Number(number) < 256)) return host;
  const labels = host.split('.');
  const options = { extractHostname: false, validateHostname: false, detectIp: false };
  const { isIcann, publicSuffix } = parse(host, options);
  if (isIcann === true && publicSuffix !== null) {
    return labels.slice(-publicSuffix.split('.').length - 1).join('.');
  }
  return labels.length > 2 ? labels.slice(1).join('.') : host;
}

/** Sets `<prefix>_hostname`, `_domain`, `_path` and, if wanted, `_proto`; empty parts are left out. */
function decodeUrl(prefix: string, withScheme: boolean): Callback {
  const [hostname, domain] = [interned(`${prefix}_hostname`), interned(`${prefix}_domain`)];
  const [pathname, protocol] = [interned(`${prefix}_path`), interned(`${prefix}_proto`)];
  return (value, log) => {
    const { scheme, host, path } = parseUrl(value);
    if (host !== '') {
      log.set(hostname, host);
      log.set(domain, registrableDomainOf(host));
    }
    if (path !== '') log.set(pathname, path);
    if (withScheme && scheme !== '') log.set(protocol, scheme);
  };
}

export const decodeRequestUrl = decodeUrl('url', true);
export const decodeReferer = decodeUrl('referer', false);
