import { type Callback, refuse } from '../callback';
import { logDate } from '../log-date';
import { pythonInt, pythonIntOrNone } from '../python-values';
import { listed, table, type Table } from './lookup';

/** Codes of Symantec AntiVirus 8 and 9, in the words of PyLogsParser's definition. */
const EVENTS = [
  '', 'GL_EVENT_IS_ALERT', 'GL_EVENT_SCAN_STOP', 'GL_EVENT_SCAN_START', 'GL_EVENT_PATTERN_UPDATE',
  'GL_EVENT_INFECTION', 'GL_EVENT_FILE_NOT_OPEN', 'GL_EVENT_LOAD_PATTERN', 'GL_STD_MESSAGE_INFO NOT USED',
  'GL_STD_MESSAGE_ERROR NOT USED', 'GL_EVENT_CHECKSUM', 'GL_EVENT_TRAP', 'GL_EVENT_CONFIG_CHANGE',
  'GL_EVENT_SHUTDOWN', 'GL_EVENT_STARTUP', 'UNDOCUMENTED', 'GL_EVENT_PATTERN_DOWNLOAD',
  'GL_EVENT_TOO_MANY_VIRUSES', 'GL_EVENT_FWD_TO_QSERVER', 'GL_EVENT_SCANDLVR', 'GL_EVENT_BACKUP',
  'GL_EVENT_SCAN_ABORT', 'GL_EVENT_RTS_LOAD_ERROR', 'GL_EVENT_RTS_LOAD', 'GL_EVENT_RTS_UNLOAD',
  'GL_EVENT_REMOVE_CLIENT', 'GL_EVENT_SCAN_DELAYED', 'GL_EVENT_SCAN_RESTART',
  'GL_EVENT_ADD_SAVROAMCLIENT_TOSERVER', 'GL_EVENT_REMOVE_SAVROAMCLIENT_FROMSERVER', 'GL_EVENT_LICENSE_WARNING',
  'GL_EVENT_LICENSE_ERROR', 'GL_EVENT_LICENSE_GRACE', 'GL_EVENT_UNAUTHORIZED_COMM', 'GL_EVENT_LOG_FWD_THRD_ERR',
  'GL_EVENT_LICENSE_INSTALLED', 'GL_EVENT_LICENSE_ALLOCATED', 'GL_EVENT_LICENSE_OK',
  'GL_EVENT_LICENSE_DEALLOCATED', 'GL_EVENT_BAD_DEFS_ROLLBACK', 'GL_EVENT_BAD_DEFS_UNPROTECTED',
  'GL_EVENT_SAV_PROVIDER_PARSING_ERROR', 'GL_EVENT_RTS_ERROR', 'GL_EVENT_COMPLIANCE_FAIL',
  'GL_EVENT_COMPLIANCE_SUCCESS', 'GL_EVENT_SECURITY_SYMPROTECT_POLICYVIOLATION', 'GL_EVENT_ANOMALY_START',
  'GL_EVENT_DETECTION_ACTION_TAKEN', 'GL_EVENT_REMEDIATION_ACTION_PENDING', 'GL_EVENT_REMEDIATION_ACTION_FAILED',
  'GL_EVENT_REMEDIATION_ACTION_SUCCESSFUL', 'GL_EVENT_ANOMALY_FINISH', 'GL_EVENT_COMMS_LOGIN_FAILED',
  'GL_EVENT_COMMS_LOGIN_SUCCESS', 'GL_EVENT_COMMS_UNAUTHORIZED_COMM', 'GL_EVENT_CLIENT_INSTALL_AV',
  'GL_EVENT_CLIENT_INSTALL_FW', 'GL_EVENT_CLIENT_UNINSTALL', 'GL_EVENT_CLIENT_UNINSTALL_ROLLBACK',
  'GL_EVENT_COMMS_SERVER_GROUP_ROOT_CERT_ISSUE', 'GL_EVENT_COMMS_SERVER_CERT_ISSUE',
  'GL_EVENT_COMMS_TRUSTED_ROOT_CHANGE', 'GL_EVENT_COMMS_SERVER_CERT_STARTUP_FAILED', 'GL_EVENT_CLIENT_CHECKIN',
  'GL_EVENT_CLIENT_NO_CHECKIN', 'GL_EVENT_SCAN_SUSPENDED', 'GL_EVENT_SCAN_RESUMED',
  'GL_EVENT_SCAN_DURATION_INSUFFICIENT', 'GL_EVENT_CLIENT_MOVE', 'GL_EVENT_SCAN_FAILED_ENHANCED',
  'GL_EVENT_MAX_EVENT_NUMBER', 'GL_EVENT_HEUR_THREAT_NOW_WHITELISTED',
  'GL_EVENT_INTERESTING_PROCESS_DETECTED_START', 'GL_EVENT_LOAD_ERROR_COH', 'GL_EVENT_LOAD_ERROR_SYKNAPPS',
  'GL_EVENT_INTERESTING_PROCESS_DETECTED_FINISH', 'GL_EVENT_HPP_SCAN_NOT_SUPPORTED_FOR_OS',
  'GL_EVENT_HEUR_THREAT_NOW_KNOWN', 'UNDOCUMENTED', 'UNDOCUMENTED', 'GL_EVENT_MAX_EVENT_NUMBER',
] as const;
const CATEGORIES = [
  '', 'Infection', 'Summary', 'Pattern', 'Security',
] as const;
const LOGGERS: Table = [
  ['0', 'Scheduled'], ['1', 'Manual'], ['2', 'Real Time'], ['6', 'Console'], ['7', 'VPDOWN'], ['8', 'System'],
  ['9', 'Startup'], ['101', 'Client'], ['102', 'Forwarded'], ['65637', 'Manual Scan'], ['131173', 'Real Time'],
  ['524389', 'System'], ['720997', 'Defwatch'], ['6619237', 'Client'],
];
const CONFIGURED_ACTIONS = [
  '', 'Quarantine infected file', 'Rename infected file', 'Delete infected file', 'Leave alone (log only)',
  'Clean virus from file', 'Clean or delete macros',
] as const;
const ACTIONS = [
  '', 'Quarantined', 'Renamed', 'Deleted', 'Left alone', 'Cleaned', 'Cleaned or macros deleted',
  'Saved file as...', 'Sent to Intel (AMS)', 'Moved to backup location', 'Renamed backup file',
  'Undo action in Quarantine View', 'Write protected or lack of permissions - Unable to act on file',
  'Backed up file', 'Pending analysis',
  'First action was partially successful; second action was Leave Alone. Results of the second action are not mentioned.',
  'A process needs to be terminated to remove a risk',
  'Prevent a risk from being loggged or a user interface from being displayed',
  'Performing a request to restart the computer',
  'Shows as Cleaned by Deletion in the Risk History in the UI and the Logs in the SSC',
  'Auto-Protect prevented a file from being created; reported "Access denied."',
] as const;
const VIRUS_TYPES: Table = [
  ['1', 'VEBOOTVIRUS'], ['3', 'VEBOOT1VIRUS'], ['5', 'VEBOOT2VIRUS'], ['9', 'VEBOOT3VIRUS'],
  ['100', 'VEFILEVIRUS'], ['300', 'VEMUTATIONVIRUS'], ['500', 'VEFILEMACROVIRUS'], ['900', 'VEFILE2VIRUS'],
  ['1100', 'VEFIL3VIRUS'], ['10000', 'VEMEMORYVIRUS'], ['30000', 'VEMEMOSVIRUS'], ['50000', 'VEMEMMCBVIRUS'],
  ['90000', 'VEMEMHIGHESTVIRUS'], ['1000000', 'VEVIRUSBEHAVIOR'], ['3000000', 'VEVIRUS1BEHAVIOR'],
  ['8000000', 'VEFILECOMPRESSED'], ['10000000', 'VEHURISTIC'],
];
const EXPANDED_THREATS = [
  '', ' + VE_NON_VIRAL_MALICIOUS', ' + VE_RESERVED_MALICIOUS', ' + VE_HEURISTIC', ' + VE_SECURITY_RISK_ON',
  ' + VE_HACKER_TOOLS', ' + VE_SPYWARE', ' + VE_TRACKWARE', ' + VE_DIALERS', ' + VE_REMOTE_ACCESS', ' + VE_ADWARE',
  ' + VE_JOKE_PROGRAMS', ' + VE_SECURITY_RISK_OFF', ' + UNDOCUMENTED', ' + UNDOCUMENTED', ' + UNDOCUMENTED',
] as const;
const FLAGS: Table = [
  ['4194304', 'EB_ACCESS_DENIED'], ['268435456', 'EB_NO_LOG'], ['536870912', 'EB_FROM_CLIENT'],
  ['134217728', 'EB_LAST_ITEM'], ['16777216', 'EB_LOG'], ['33554432', 'EB_REAL_CLIENT'],
  ['4095', 'EB_FA_OVERLAYS'], ['4190208', 'EB_N_OVERLAYS'], ['67108864', 'EB_FIRST_ITEM'],
  ['8388608', 'EB_REPORT'],
];
const OPERATIONS = [
  'FA_READ', 'FA_WRITE', 'FA_EXEC', 'FA_IN_TABLE', 'FA_REJECT_ACTION', 'FA_ACTION_COMPLETE',
  'FA_DELETE_WHEN_COMPLETE', 'FA_CLIENT_REQUEST', 'FA_OWNED_BY_USER', 'FA_DELETE', 'FA_OWNED_BY_QUEUE',
  'FA_FILE_IN_CACHE', 'FA_SCAN', 'FA_GET_TRAP_DATA', 'FA_USE_TRAP_DATA', 'FA_FILE_NEEDS_SCAN', 'FA_BEFORE_OPEN',
  'FA_AFTER_OPEN', 'FA_SCAN_BOOT_SECTOR', 'FA_COMING_FROM_NAVAP', 'FA_BACKUP_TO_QUARANTINE',
] as const;
const STATUS_BITS: ReadonlyMap<number, string> = new Map([
  [0, 'The file could not be opened'], [1, 'The file was wiped clean of data'],
  [2, 'The file was truncated to 0 bytes'], [3, 'The file could not be deleted'],
  [8, 'Flag created files due to special handling'], [9, 'The just created infected file was deleted'],
  [10, 'Dir2-type infected files are not quarantined'],
  [11, 'Dir2-type infected files are deleted if the file is being created'],
  [12, 'Dir2-type infected files are not deleted'], [16, 'File was deleted due to the DESTROY flag'],
]);

/** Six bytes in hex: year since 1970, month from 0, day, hour, minute, second. */
const decodeDate: Callback = (value, log) => {
  const [year, month, day, hour, minute, second] = Array.from({ length: 6 }, (_, index) => {
    const digits = value.slice(2 * index, 2 * index + 2);
    return /^[0-9A-Fa-f]{1,2}$/.test(digits) ? Number.parseInt(digits, 16) : refuse('the date is no hex');
  }) as [number, number, number, number, number, number];
  const date = logDate({ year: year + 1970, month: month + 1, day, hour, minute, second });
  log.set('date', date ?? refuse('there is no such date'));
};

function configuredAction(tag: string): Callback {
  return (value, log) => {
    const index = pythonIntOrNone(value);
    log.set(tag, (index === undefined ? undefined : CONFIGURED_ACTIONS.at(index)) ?? 'Unknown action');
  };
}

const VIRUS_TYPE_NAMES = new Map(VIRUS_TYPES);

const virusType: Callback = (value, log) => {
  const hex = pythonInt(value).toString(16);
  const threat = hex.length >= 2 ? Number.parseInt(hex.charAt(hex.length - 2), 16) : 0;
  log.set('virus_type', (VIRUS_TYPE_NAMES.get(hex) ?? 'UNDOCUMENTED') + (EXPANDED_THREATS[threat] ?? ''));
};

/** The positions of the bits that are set, the highest first. */
function bitsOf(mask: number): readonly number[] {
  if (mask < 0 || mask > Number.MAX_SAFE_INTEGER) refuse('the mask is out of range');
  const bits: number[] = [];
  for (let bit = 52; bit >= 0; bit -= 1) {
    if (Math.floor(mask / 2 ** bit) % 2 === 1) bits.push(bit);
  }
  return bits;
}

const operationFlags: Callback = (value, log) => {
  log.set('operation_flags', value === '0' ? value
    : bitsOf(pythonInt(value)).map((bit) => OPERATIONS[bit] ?? refuse('the flag is unknown')).join(' + '));
};

function actionStatus(tag: string): Callback {
  return (value, log) => {
    log.set(tag, value === '0' ? 'No information'
      : bitsOf(pythonInt(value)).map((bit) => STATUS_BITS.get(bit) ?? refuse('the bit is unknown')).join(' + '));
  };
}

export const symantecCallbacks = {
  decodeDate,
  event: listed('event_id', EVENTS),
  category: listed('category', CATEGORIES),
  logger: table('event_logger_type', LOGGERS, (value) => value),
  action0: listed('action', ACTIONS),
  action1: configuredAction('primary_action_configuration'),
  action2: configuredAction('secondary_action_configuration'),
  virusType,
  flag: table('eventblock_action', FLAGS, 'UNDOCUMENTED'),
  quarantine: table('quarantine_attempt_status', [['0', 'QF_NONE'], ['1', 'QF_FAILED'], ['2', 'QF_OK']], ''),
  operationFlags,
  compressed: table('compressed_file', [['0', 'No'], ['1', 'Yes']], 'UNDOCUMENTED'),
  clean: table('cleanable', [['0', 'VECLEANABLE'], ['1', 'VENOCLEANPATTERN'], ['2', 'VENOTCLEANABLE']], 'UNDOCUMENTED'),
  delete: table('deletable', [['0', 'VEDELETABLE'], ['1', 'VENOTDELETABLE']], 'UNDOCUMENTED'),
  action1Status: actionStatus('action1_status'),
  action2Status: actionStatus('action2_status'),
} as const;
