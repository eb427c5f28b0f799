import type { Callback } from '../callback';
import { pythonIntOrNone, pythonLongOrNone, strip } from '../python-values';
import { printLogDate, type LogDate } from '../log-date';
import { offsetMsAt } from '../time-zone';
import { table, type Table } from './lookup';

/** Values that Windows 2003's security events give as codes, in the words of PyLogsParser's definitions. */
const LOGON_TYPES: Table = [
  ['2', 'Interactive'], ['3', 'Network'], ['4', 'Batch'], ['5', 'Service'], ['6', 'Proxy'],
  ['7', 'UnlockWorkstationLogon'], ['8', 'NetworkCleartext'], ['9', 'NewCredentials'], ['10', 'RemoteInteractive'],
  ['11', 'CachedInteractive'],
];
const USER_RIGHTS: Table = [
  ['SeTcbPrivilege', 'Ability to act as part of the operating system'],
  ['SeMachineAccountPrivilege', 'Ability to add workstations to the domain'],
  ['SeIncreaseQuotaPrivilege', 'Ability to adjust memory quotas for a process'],
  ['SeBackupPrivilege', 'Ability to back up files and directories'],
  ['SeChangeNotifyPrivilege', 'Ability to bypass traverse checking'],
  ['SeSystemtimePrivilege', 'Ability to change the system time'],
  ['SeCreatePagefilePrivilege', 'Ability to create a pagefile'],
  ['SeCreateTokenPrivilege', 'Ability to create a token object'],
  ['SeCreatePermanentPrivilege', 'Ability to create permanent shared objects'],
  ['SeDebugPrivilege', 'Ability to debug programs'],
  ['SeEnableDelegationPrivilege', 'Ability to delegate trust on computers and user accounts'],
  ['SeRemoteShutdownPrivilege', 'Ability to shutdown a system remotely'],
  ['SeAuditPrivilege', 'Ability to generate security audits'],
  ['SeIncreaseBasePriorityPrivilege', 'Ability to increase scheduling priority'],
  ['SeLoadDriverPrivilege', 'Ability to load or unload device drivers'],
  ['SeLockMemoryPrivilege', 'Ability to lock pages in memory'],
  ['SeSecurityPrivilege', 'Ability to manage the security event log'],
  ['SeSystemEnvironmentPrivilege', 'Ability to modify firmware environment values'],
  ['SeManageVolumePrivilege', 'Ability to perform volume maintenance tasks'],
  ['SeProfileSingleProcessPrivilege', 'Ability to profile a single process'],
  ['SeSystemProfilePrivilege', 'Ability to profile the system performances'],
  ['SeUndockPrivilege', 'Ability to remove the computer from its docking station'],
  ['SeAssignPrimaryTokenPrivilege', 'Ability to replace a process level token'],
  ['SeRestorePrivilege', 'Ability to restore files and directories'],
  ['SeShutdownPrivilege', 'Ability to shut the system down'],
  ['SeSyncAgentPrivilege', 'Ability to synchronize directory service data'],
  ['SeTakeOwnershipPrivilege', 'Ability to take ownership of files or other objects'],
];
const TRUST_DIRECTIONS: Table = [
  ['1', 'Trusted'], ['2', 'Trusting'], ['3', '2-way'],
];
const TRUST_ATTRIBUTES: Table = [
  ['1', 'Transitive'], ['2', 'Nontransitive'],
];
const TRUST_TYPES: Table = [
  ['1', 'NT 4.0 legacy trust'], ['2', 'Kerberos realm trust'],
  ['3', 'forest or domain trust with another active directory domain'],
];
const TICKET_FAILURES: Table = [
  ['0X1', 'Client\'s entry in database has expired'], ['0X2', 'Server\'s entry in database has expired'],
  ['0X3', 'Requested protocol version number not supported'], ['0X4', 'Client\'s key encrypted in old master key'],
  ['0X5', 'Server\'s key encrypted in old master key'], ['0X6', 'Client not found in Kerberos database'],
  ['0X7', 'Server not found in Kerberos database'], ['0X8', 'Multiple principal entries in database'],
  ['0X9', 'The client or server has a null key'], ['0XA', 'Ticket not eligible for postdating'],
  ['0XB', 'Requested start time is later than end time'], ['0XC', 'KDC policy rejects requests'],
  ['0XD', 'KDC cannot accommodate requested option'], ['0XE', 'KDC has no support for encryption type'],
  ['0XF', 'KDC has no support for checksum type'], ['0X10', 'KDC has no support for padata type'],
  ['0X11', 'KDC has no support for transited type'], ['0X12', 'Clients credentials have been revoked'],
  ['0X13', 'Credentials for server have been revoked'], ['0X14', 'TGT has been revoked'],
  ['0X15', 'Client not yet valid'], ['0X16', 'Server not yet valid'], ['0X17', 'Password has expired'],
  ['0X18', 'Pre-authentication information was invalid'], ['0X19', 'Additional pre-authentication required'],
  ['0X1F', 'Integrity check on decrypted field failed'], ['0X20', 'Ticket expired'],
  ['0X21', 'Ticket not yet valid'], ['0X22', 'Request is a replay'], ['0X23', 'The ticket isn\'t for us'],
  ['0X24', 'Ticket and authenticator don\'t match'], ['0X25', 'Clock skew too great'],
  ['0X26', 'Incorrect net address'], ['0X27', 'Protocol version mismatch'], ['0X28', 'Invalid message type'],
  ['0X29', 'Message stream modified'], ['0X2A', 'Message out of order'],
  ['0X2C', 'Specified version of key is not available'], ['0X2D', 'Service key not available'],
  ['0X2E', 'Mutual authentication failed'], ['0X2F', 'Incorrect message direction'],
  ['0X30', 'Alternative authentication method required'], ['0X31', 'Incorrect sequence number in message'],
  ['0X32', 'Inappropriate type of checksum in message'], ['0X3C', 'Generic error'],
  ['0X3D', 'Field is too long for this implementation'],
];
const LOGON_ERRORS: Table = [
  ['0xC0000064', 'user name does not exist'], ['0xC000006A', 'correct user name but wrong password'],
  ['0xC0000234', 'user currently locked out'], ['0xC0000072', 'account currently disabled'],
  ['0xC000006F', 'logon attempt outside of allowed hours'], ['0xC0000070', 'workstation restriction'],
  ['0xC0000193', 'account expiration'], ['0xC0000071', 'expired password'],
  ['0xC0000224', 'password change required at next logon'], ['0x0', 'success'],
];

export const decodeLogonType = table('method', LOGON_TYPES, 'UNKNOWN');
export const decodeUserRight = table('user_right_description', USER_RIGHTS, 'UNKNOWN');
export const decodeTrustDirection = table('trust_direction', TRUST_DIRECTIONS, 'UNKNOWN');
export const decodeTrustAttributes = table('trust_attributes', TRUST_ATTRIBUTES, 'UNKNOWN');
export const decodeTrustType = table('trust_type', TRUST_TYPES, 'UNKNOWN');
export const decodeErrorCode680 = table('status', LOGON_ERRORS, 'UNKNOWN');

const ticketFailures = table('reason', TICKET_FAILURES, '-');

export const decodeTicketFailure: Callback = (value, log, input) => {
  const upper = value.toUpperCase();
  const number = upper.startsWith('0X') ? undefined : pythonIntOrNone(upper);
  const code = number === undefined ? upper : hexOf(number);
  ticketFailures(code, log, input);
};

function hexOf(code: number): string {
  return `${code < 0 ? '-' : ''}0X${Math.abs(code).toString(16).toUpperCase()}`;
}

export const stripValues: Callback = (_value, log) => {
  for (const [name, value] of log) {
    if (typeof value === 'string') log.set(name, strip(value));
  }
};

/** The years 1 to 9999, which Python's datetime knows. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00Z');
const END_MS = Date.parse('+010000-01-01T00:00:00Z');

/** Windows counts tenths of microseconds since 1601. The reading is given in the source's zone, without its name. */
function windowsTime(tag: string): Callback {
  return (value, log, input) => {
    const ticks = pythonLongOrNone(value);
    const utcMs = ticks === undefined ? Number.NaN : (Number(floorDivide(ticks, 10_000_000n)) - 11_644_473_600) * 1_000;
    const isDate = utcMs >= FIRST_MS && utcMs < END_MS;
    log.set(tag, isDate ? isoOf(utcMs + offsetMsAt(input.timeZone, utcMs)) : value);
  };
}

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  return dividend / divisor - (dividend % divisor < 0n ? 1n : 0n);
}

function isoOf(wallMs: number): string {
  const date: LogDate = { wallMs, micros: 0, offsetMinutes: undefined, aware: false };
  return printLogDate(date).replace(' ', 'T');
}

export const decodePasswordLastSet = windowsTime('password_last_set');
export const decodeExpiryDate = windowsTime('expiry_date');

export const addTechnetLink: Callback = (value, log) => {
  log.set('technet_link', `http://www.microsoft.com/technet/support/ee/SearchResults.aspx?Type=0&Message=${value}`);
};
