import type { Callback } from '../callback';
import { lowerCase, pythonInt, slice } from '../python-values';

/** Codes of LDAP and slapd, in the words of PyLogsParser's definitions. */
const METHODS: ReadonlyMap<number, string> = new Map([
  [0, 'None'], [128, 'Simple'], [129, 'KerberosV4.1'], [130, 'KerberosV4.2'], [163, 'SASL'], [255, 'KerberosV4'],
]);
const RESULTS: ReadonlyMap<number, string> = new Map([
  [-18, 'API - connecting'], [-17, 'API - referral limit exceeded'], [-16, 'API - client loop'],
  [-15, 'API - more results to return'], [-14, 'API - no results returned'], [-13, 'API - control not found'],
  [-12, 'API - not supported'], [-11, 'API - connect error'], [-10, 'API - no memory'],
  [-9, 'API - parameter error'], [-8, 'API - user cancelled'], [-7, 'API - filter error'],
  [-6, 'API - auth unknown'], [-5, 'API - timeout'], [-4, 'API - decoding error'], [-3, 'API - encoding error'],
  [-2, 'API - local error'], [-1, 'API - server down'], [0, 'Success'], [1, 'Operations Error'],
  [2, 'Protocol Error'], [3, 'Time limit exceeded'], [4, 'Size limit exceeded'], [5, 'Compare false'],
  [6, 'Compare true'], [7, 'Authentication method not supported'], [8, 'Strong authentication required'],
  [9, 'Partial results'], [10, 'Referral'], [11, 'Admin limit exceeded'], [12, 'Unavailable critical extension'],
  [13, 'Confidentiality required'], [14, 'SASL Bind in progress'], [16, 'Attribute error - no such attribute'],
  [17, 'Attribute error - undefined type'], [18, 'Attribute error - inappropriate matching'],
  [19, 'Attribute error - constraint violation'], [20, 'Attribute error - type or value exists'],
  [21, 'Attribute error - invalid syntax'], [32, 'Name error - no such object'],
  [33, 'Name error - alias problem'], [34, 'Name error - invalid DN syntax'], [35, 'Name error - is leaf'],
  [36, 'Name error - alias deref problem'], [47, 'Security error - X proxy authz failure'],
  [48, 'Security error - inappropriate authentication'], [49, 'Security error - invalid credentials'],
  [50, 'Security error - insufficient access'], [51, 'Service error - busy'], [52, 'Service error - unavailable'],
  [53, 'Service error - unwilling to perform'], [54, 'Service error - loop detected'],
  [64, 'Update error - naming violation'], [65, 'Update error - object class violation'],
  [66, 'Update error - not allowed on non-leaf'], [67, 'Update error - not allowed on RDN'],
  [68, 'Update error - already exists'], [69, 'Update error - no object class mods'],
  [70, 'Update error - results too large'], [71, 'Update error - affects multiple DSAs'], [76, 'VLV error'],
  [80, 'Other'], [118, 'Cancelled'], [119, 'No such operation'], [120, 'Too late'], [121, 'Cannot cancel'],
  [122, 'Assertion failed'], [123, 'Proxied authorization denied'], [4096, 'Sync refresh required'],
  [16654, 'X error - no operation '], [16656, 'Chaining behavior - no referrals found'],
  [16657, 'Chaining behavior - cannot chain '], [16658, 'Distributed procedures - invalid reference'],
  [16672, 'Transaction - specify okay'], [16673, 'Transaction - invalid ID'],
]);
const RESPONSES: ReadonlyMap<number, string> = new Map([
  [97, 'Bind'], [100, 'Search'], [101, 'Search result'], [103, 'Modify'], [105, 'Add'], [107, 'Delete'],
  [109, 'Modify DN'], [111, 'Compare'], [115, 'Search reference'], [120, 'Extended operation'],
  [121, 'Intermediate result'],
]);
const SCOPES: ReadonlyMap<number, string> = new Map([[0, 'base'], [1, 'one-level'], [2, 'subtree']]);

function numbered(tag: string, names: ReadonlyMap<number, string>): Callback {
  return (value, log) => {
    const name = names.get(pythonInt(value));
    if (name !== undefined) log.set(tag, name);
  };
}

export const decodeAuthMethod = numbered('mechanism', METHODS);
export const decodeResult = numbered('status', RESULTS);
export const decodeResponse = numbered('response_type', RESPONSES);

export const decodeBindUser: Callback = (value, log) => {
  log.set('user', lowerCase(value).startsWith('dn="') ? slice(value, 4, -1) : value);
};

/** `name=value` separated by spaces; all names become tags. */
export const decodeExtraParameters: Callback = (value, log) => {
  for (const parameter of value.split(' ')) {
    const at = parameter.indexOf('=');
    if (at < 0) continue;
    const name = parameter.slice(0, at);
    const text = parameter.slice(at + 1);
    if (name === 'scope') {
      log.set('scope', SCOPES.get(pythonInt(text)) ?? text);
      log.set('scope_code', text);
    } else {
      log.set(name, text);
    }
  }
};
