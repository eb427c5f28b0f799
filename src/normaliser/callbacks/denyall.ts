import type { Callback } from '../callback';
import { pythonIntOrNone, textTag } from '../python-values';
import { table, type Table } from './lookup';

/** Codes of DenyAll's events, in the words of PyLogsParser's definition. */
const TYPES: Table = [
  ['1', 'Resources'], ['2', 'System'], ['3', 'Configuration'], ['4', 'Security'], ['5', 'Backend'],
  ['6', 'Acceleration'],
];
const SUBTYPES: Table = [
  ['1.1', 'CPU'], ['1.2', 'Memory'], ['2.1', 'Access'], ['2.2', 'Device Operations'],
  ['3.1', 'Configuration change'], ['3.2', 'Backup and Restore'], ['4.1', 'HTTP Security'],
  ['4.2', 'XML Security'], ['4.3', 'Authentication'], ['5.1', 'Backend availability'],
  ['5.2', 'Backend performances'], ['6.1', 'Server Load-Balancing'], ['6.2', 'Caching'],
];
const MESSAGES: Table = [
  ['1.1.6.0', 'CPU utilization below 60%'], ['1.1.4.0', 'CPU utilization over 60%'],
  ['1.1.2.0', 'CPU utilization over 80%'], ['1.2.6.0', 'Memory utilization below 70%'],
  ['1.2.4.0', 'Memory utilization over 70%'], ['1.2.2.0', 'Memory utilization over 90%'],
  ['2.1.6.0', 'User logout'], ['2.1.4.0', 'User successful login'], ['2.1.2.0', 'User failed login attempts'],
  ['2.2.6.0', 'Instance started'], ['2.2.5.0', 'rWeb started'], ['2.2.4.0', 'Instance stopped'],
  ['2.2.2.0', 'rWeb stopped'], ['3.1.5.0', 'Configuration change successful'],
  ['3.1.3.0', 'Configuration change failed'], ['3.2.5.0', 'Configuration backup successful'],
  ['3.2.5.1', 'Configuration restore successful'], ['3.2.3.0', 'Configuration backup failure'],
  ['3.2.2.0', 'Configuration restore failure'], ['4.1.4.0', 'Attack blocked by Blacklist'],
  ['4.1.4.1', 'Attack blocked by Whitelist'], ['4.1.4.2', 'Attack blocked by Scoringlist'],
  ['4.1.4.3', 'Attack blocked by UBT (DoS protection)'], ['4.1.4.4', 'Attack blocked by UBT (Site Crawling)'],
  ['4.1.4.5', 'Attack blocked by UBT (Brute Force)'], ['4.1.4.6', 'Attack blocked by UBT (Cookie Theft)'],
  ['4.1.4.7', 'Attack blocked by UBT (Direct Access)'], ['4.1.4.8', 'Attack blocked by UBT (Restricted Access)'],
  ['4.1.4.9', 'Attack blocked by Stateful engine (Link Tracking)'],
  ['4.1.4.10', 'Attack blocked by Stateful engine (Parameter Tracking)'],
  ['4.1.4.11', 'Attack blocked by Stateful engine (Cookie Tracking)'],
  ['4.1.4.12', 'Attack blocked by Canonization engine (URI Wrong Encoding)'],
  ['4.1.4.13', 'Attack blocked by Canonization engine (URI Decoding)'],
  ['4.1.4.14', 'Attack blocked by Canonization engine (Parameter Decoding)'],
  ['4.1.4.15', 'Attack blocked by HTTP requests filter (Forbidden Method)'],
  ['4.1.4.16', 'Attack blocked by HTTP requests filter (Header Size)'],
  ['4.1.4.17', 'Attack blocked by HTTP requests filter (Body Size)'],
  ['4.1.4.18', 'Attack blocked by HTTP requests filter (Number of Request Fields)'],
  ['4.1.4.19', 'Attack blocked by HTTP requests filter (Size of Request Fields)'],
  ['4.1.4.20', 'Attack blocked by HTTP requests filter (Number of Request Lines)'],
  ['4.1.4.21', 'Attack blocked by HTTP responses filter'], ['4.2.4.0', 'Attack blocked by Blacklist'],
  ['4.2.4.1', 'Attack blocked by Scoringlist'], ['4.2.4.2', 'Attack blocked by XML Schema validation engine'],
  ['4.2.4.3', 'Attack blocked by Stateful engine'], ['4.2.4.4', 'Attack blocked by Canonization engine'],
  ['4.2.4.5', 'Attack blocked by Attachment validation engine'],
  ['4.2.4.6', 'Attack blocked by Source filtering engine'], ['4.3.5.0', 'Authentication successful'],
  ['4.3.3.1', 'Authentication failed'], ['5.1.6.0', 'Server available'], ['5.1.1.0', 'Server error response'],
  ['5.1.0.0', 'Server not response'], ['5.2.6.0', 'Response time < 70% of maximum allowed'],
  ['5.2.4.0', 'Response time 70% of maximum allowed'], ['5.2.2.0', 'Response time 90% of maximum allowed'],
  ['6.1.6.0', 'Server back in farm'], ['6.1.2.0', 'Server down, removed from farm'],
  ['6.1.0.0', 'All servers down'], ['6.2.6.0', 'Cache utilization < 70%'], ['6.2.4.0', 'Cache 70% full'],
  ['6.2.2.0', 'Cache 90% full'], ['6.2.1.0', 'Cache 100% full, increase cache size'],
];
const SEVERITIES = ['Emerg', 'Alert', 'Crit', 'Error', 'Warn', 'Notice', 'Info', 'Debug'] as const;

export const decodeAlertType = table('alert_type', TYPES, 'Unknown');

const subtypeOf = table('alert_subtype', SUBTYPES, 'Unknown');
const messageOf = table('event', MESSAGES, 'Unknown');

export const decodeMessage: Callback = (_value, log, input) => {
  const subtype = `${textTag(log, 'alert_type_id')}.${textTag(log, 'alert_subtype_id')}`;
  subtypeOf(subtype, log, input);
  messageOf(`${subtype}.${textTag(log, 'severity_code')}.${textTag(log, 'alert_id')}`, log, input);
};

export const decodeDenySeverity: Callback = (value, log) => {
  const index = pythonIntOrNone(value);
  const name = index === undefined ? undefined : SEVERITIES.at(index);
  if (name !== undefined) log.set('severity', name);
};
