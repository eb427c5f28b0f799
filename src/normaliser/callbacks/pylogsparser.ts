import type { Callback } from '../callback';
import { extractArkoon } from './arkoon';
import { commonDateCallbacks } from './common-dates';
import { decodeAlertType, decodeDenySeverity, decodeMessage } from './denyall';
import { decodeAuthMethod, decodeBindUser, decodeExtraParameters, decodeResponse, decodeResult } from './ldap';
import {
  decodeBitdefenderAction, decodeSourceContext, extractBody, extractSpamReason,
} from './mail';
import {
  decodeFail2banDate, decodeLea, decodeNetfilter, decodePostfix, decodeSquidDestination, decodeSquidUser,
} from './network';
import {
  convertTime, decodeAsaSeverity, decodeDansguardianActions, decodeDansguardianDate, decodeNamedCategory,
  decodeNamedSeverity, decodeNamedView, decodePamAction, decodeSquidguardCategory, decodeSshAction, decodeUrlPath,
  lower, noCountry, part, sanitizeLength, splitS3Request, transferCallbacks,
} from './small';
import { symantecCallbacks } from './symantec';
import { decodePriority } from './syslog';
import { decodeReferer, decodeRequestUrl } from './url';
import { findBot, guessSystem } from './user-agent';
import {
  addTechnetLink, decodeErrorCode680, decodeExpiryDate, decodeLogonType, decodePasswordLastSet, decodeTicketFailure,
  decodeTrustAttributes, decodeTrustDirection, decodeTrustType, decodeUserRight, stripValues,
} from './windows';

/**
 * Callbacks that PyLogsParser's definitions carry as Python source, by `<normalizer>/<callback>` (the normalizer is
 * empty for the common file) and by the hash of that source, so that an edited one is noticed instead of misread.
 */
const KNOWN: readonly (readonly [key: string, hash: string, implementation: Callback])[] = [
  ...common([
    ['MM/dd/YYYY hh:mm:ss', '221f1f285a2181b5'],
    ['dd/MMM/YYYY:hh:mm:ss', 'ce525369d9dc4368'],
    ['MMM dd hh:mm:ss', 'fe2fd103b91ab6ad'],
    ['MMM dd YYYY hh:mm:ss', '0aec30f027b83940'],
    ['DDD MMM dd hh:mm:ss YYYY', 'ad78c064df3c3826'],
    ['YYYY-MM-DD hh:mm:ss', '953d86d8f53b0b23'],
    ['MM/DD/YY, hh:mm:ss', 'd116a020c1522b56'],
    ['YYMMDD hh:mm:ss', '04281cbf76aa826f'],
    ['ISO8601', 'bce82c605566de46'],
    ['EPOCH', '095a63ae177b80f2'],
    ['dd-MMM-YYYY hh:mm:ss', '8fa9f3ff4c1a197d'],
  ]),
  ['Fail2ban/decodeF2bTimeStamp', 'e970c4330182d19e', decodeFail2banDate],
  ['GeoIPsource/decodeCountryOfOrigin', '7edb3b17e1a6ac30', noCountry],
  ['IIS/convert_time', 'f4f7235eec1cba8a', convertTime],
  ['LEA/decode_LEA', '75f56224fbe54755', decodeLea],
  ['MSExchange2007MessageTracking/decode_MTLMessageID', '92014ea30823916a', part('message_id', 1, -1)],
  ['MSExchange2007MessageTracking/decode_MTLSourceContext', '30cc84c576b8bfdc', decodeSourceContext],
  ['RefererParser/decodeURL', '4c3dbcab817d2335', decodeReferer],
  ['URLparser/decodeURL', 'c1f6a198c01caee9', decodeRequestUrl],
  ['UserAgent/findBot', '142090b2a2fa8450', findBot],
  ['UserAgent/guessOS', 'ed3845e3002fd0a0', guessSystem],
  ['apache/decode_url_path', 'a87314c5acf7f541', decodeUrlPath],
  ['apache/sanitize_len', 'c51999c4ac955ebe', sanitizeLength],
  ['arkoonFAST360/decode_priority', '549b5161018d458e', decodePriority],
  ['cisco-asa_header/decode_priority', '549b5161018d458e', decodePriority],
  ['syslog/decode_priority', '549b5161018d458e', decodePriority],
  ['arkoonFAST360/extractAKkv', 'ce3f4106bc5f0437', extractArkoon],
  ['bitdefender/decode_action', '5800e890a473da80', decodeBitdefenderAction],
  ['bitdefender/extract_spam_reason', '2b3529c95034e598', extractSpamReason],
  ['bitdefender/extract_body', 'c91dbe82a05d29dd', extractBody],
  ['cisco-asa_header/decode_asa_severity', 'a4e6ea2a1a15923a', decodeAsaSeverity],
  ['cisco-asa_msg/lower_protocol', 'a7bf2af0136962e9', lower('protocol')],
  ['cisco-asa_msg/lower_action', '3863841b7f54da36', lower('action')],
  ['cisco-asa_msg/lower_type', 'db233fea3f4f79c6', lower('type')],
  ['dansguardian/decode_DGDate', '2326e83ea44b4da3', decodeDansguardianDate],
  ['dansguardian/decode_DGactions', '2fafea3ad1499a29', decodeDansguardianActions],
  ['deny_event/decode_alert_type', '0b031bd35c39591a', decodeAlertType],
  ['deny_event/decode_message', 'ab73131dd6624347', decodeMessage],
  ['deny_event/decode_severity', '39307735a43d4eb0', decodeDenySeverity],
  ['DHCPd/decode_action', '9628632f8e7410f3', part('action', 4)],
  ['EventLog-Security-Windows2003[EN]_1/strip_values', 'f973f95755d9a3c5', stripValues],
  ['EventLog-Security-Windows2003[EN]_1/decode_logon_type', '7ad2c6b24d2822d6', decodeLogonType],
  ['EventLog-Security-Windows2003[EN]_2/strip_values', 'f973f95755d9a3c5', stripValues],
  ['EventLog-Security-Windows2003[EN]_2/decode_logon_type', '7ad2c6b24d2822d6', decodeLogonType],
  ['EventLog-Security-Windows2003[EN]_2/decode_user_right', 'ad06f368215f87cd', decodeUserRight],
  ['EventLog-Security-Windows2003[EN]_2/decode_trust_direction', '2ba0ff55856a7d03', decodeTrustDirection],
  ['EventLog-Security-Windows2003[EN]_2/decode_trust_attributes', 'fb94e73ed8efdbab', decodeTrustAttributes],
  ['EventLog-Security-Windows2003[EN]_2/decode_trust_type', 'd767d99a4144d9d4', decodeTrustType],
  ['EventLog-Security-Windows2003[EN]_2/decode_password_last_set', 'e1f10184d42339e4', decodePasswordLastSet],
  ['EventLog-Security-Windows2003[EN]_2/decode_expiry_date', '05f146865d03b69c', decodeExpiryDate],
  ['EventLog-Security-Windows2003[EN]_3/strip_values', 'f973f95755d9a3c5', stripValues],
  ['EventLog-Security-Windows2003[EN]_3/decode_logon_type', '7ad2c6b24d2822d6', decodeLogonType],
  ['EventLog-Security-Windows2003[EN]_3/decode_user_right', 'ad06f368215f87cd', decodeUserRight],
  ['EventLog-Security-Windows2003[EN]_3/decode_trust_direction', '2ba0ff55856a7d03', decodeTrustDirection],
  ['EventLog-Security-Windows2003[EN]_3/decode_trust_attributes', 'fb94e73ed8efdbab', decodeTrustAttributes],
  ['EventLog-Security-Windows2003[EN]_3/decode_trust_type', 'd767d99a4144d9d4', decodeTrustType],
  ['EventLog-Security-Windows2003[EN]_3/decode_password_last_set', 'e1f10184d42339e4', decodePasswordLastSet],
  ['EventLog-Security-Windows2003[EN]_3/decode_expiry_date', '05f146865d03b69c', decodeExpiryDate],
  ['EventLog-Security-Windows2003[EN]_3/decode_ticket_failure', 'e4ba1932fef7760f', decodeTicketFailure],
  ['EventLog-Security-Windows2003[EN]_3/decode_error_code_680', 'b44e8ae9d411ce1b', decodeErrorCode680],
  ['EventLog-Security-Windows2003[EN]_4/strip_values', 'f973f95755d9a3c5', stripValues],
  ['EventLog-Security-Windows2003[EN]_4/decode_logon_type', '7ad2c6b24d2822d6', decodeLogonType],
  ['EventLog-Security-Windows2003[EN]_4/decode_user_right', 'ad06f368215f87cd', decodeUserRight],
  ['EventLog-Security-Windows2003[EN]_4/decode_trust_direction', '2ba0ff55856a7d03', decodeTrustDirection],
  ['EventLog-Security-Windows2003[EN]_4/decode_trust_attributes', 'fb94e73ed8efdbab', decodeTrustAttributes],
  ['EventLog-Security-Windows2003[EN]_4/decode_trust_type', 'd767d99a4144d9d4', decodeTrustType],
  ['EventLog-Security-Windows2003[EN]_4/decode_password_last_set', 'e1f10184d42339e4', decodePasswordLastSet],
  ['EventLog-Security-Windows2003[EN]_4/decode_expiry_date', '05f146865d03b69c', decodeExpiryDate],
  ['EventLog-Security-Windows2003[EN]_4/decode_ticket_failure', 'e4ba1932fef7760f', decodeTicketFailure],
  ['EventLog-Security-Windows2003[EN]_4/decode_error_code_680', 'b44e8ae9d411ce1b', decodeErrorCode680],
  ['named/decode_named_category', 'c8ccf2b5ecebd2ee', decodeNamedCategory],
  ['named/decode_named_severity', '1f6f5fdec9c4823a', decodeNamedSeverity],
  ['named-2/decode_named_category', 'c8ccf2b5ecebd2ee', decodeNamedCategory],
  ['named-2/decode_named_severity', '1f6f5fdec9c4823a', decodeNamedSeverity],
  ['named/decode_named_view', '38b73aca0b23b219', decodeNamedView],
  ['netfilter/decode_netfilter_key_value', 'ba23da9a0751806c', decodeNetfilter],
  ['openLDAP/decodeAuthMethod', 'c176a5c8b338a7b4', decodeAuthMethod],
  ['openLDAP/decodeResult', 'be520d92c49b6b90', decodeResult],
  ['openLDAP/decodeTag', '850bb66166befdab', decodeResponse],
  ['openLDAP/decodeBindUser', '808e492fc021f428', decodeBindUser],
  ['openLDAP/decodeExtraParams', '4801845f4f8b09b6', decodeExtraParameters],
  ['openLDAP-extras/decodeAuthMethod', 'c176a5c8b338a7b4', decodeAuthMethod],
  ['openLDAP-extras/decodeResult', 'be520d92c49b6b90', decodeResult],
  ['openLDAP-extras/decodeTag', '850bb66166befdab', decodeResponse],
  ['openLDAP-extras/decodeBindUser', '808e492fc021f428', decodeBindUser],
  ['openLDAP-extras/decodeExtraParams', '4801845f4f8b09b6', decodeExtraParameters],
  ['PAM/decode_action', '6e50b681d735a3b8', decodePamAction],
  ['postfix/decode_postfix_key_value', 'd935392989ba49b3', decodePostfix],
  ['s3/split_s3_info', '6ab41bd0e61a2b43', splitS3Request],
  ['s3/refer_unquote', 'a045a9e8a387ce78', part('referer', 1, -1)],
  ['s3/agent_unquote', '2241e5ac30647da1', part('user_agent', 1, -1)],
  ['snare/add_technet_link', '89d1194c911e9232', addTechnetLink],
  ['squid/decode_user', '8da651597082f7c0', decodeSquidUser],
  ['squid/decode_dest_connect', '7c2268bfd8b7b05c', decodeSquidDestination],
  ['squidguard/decode_category', '6e473fe6d5f494b7', decodeSquidguardCategory],
  ['sshd/decode_action', 'a36b7df5beac7f32', decodeSshAction],
  ['symantec/decode_date', '8a728f8e4e230bbd', symantecCallbacks.decodeDate],
  ['symantec/event_translator', '99c6545ea79e286f', symantecCallbacks.event],
  ['symantec/category_translator', '4a0a416d2927dbf8', symantecCallbacks.category],
  ['symantec/logger_translator', '0fc962a294a257ed', symantecCallbacks.logger],
  ['symantec/action1_translator', '98408319862b478c', symantecCallbacks.action1],
  ['symantec/action2_translator', '87abc85478e56e7c', symantecCallbacks.action2],
  ['symantec/action0_translator', '32062193134a3b25', symantecCallbacks.action0],
  ['symantec/virustype_translator', '1ea547f5930ccab3', symantecCallbacks.virusType],
  ['symantec/flag_translator', 'eac0b948d47ffa98', symantecCallbacks.flag],
  ['symantec/quarantinest_translator', 'f4e8450c8865bc15', symantecCallbacks.quarantine],
  ['symantec/access_translator', '90171be5c456585c', symantecCallbacks.operationFlags],
  ['symantec/compressed_translator', '084bdc2fb3ab4107', symantecCallbacks.compressed],
  ['symantec/clean_translator', '9d93ab745859222b', symantecCallbacks.clean],
  ['symantec/delete_translator', '16b7ad6373673ba6', symantecCallbacks.delete],
  ['symantec/action1s9_translator', '3a10cc1c4af34a8c', symantecCallbacks.action1Status],
  ['symantec/action2s9_translator', '7fc674399a200ad6', symantecCallbacks.action2Status],
  ['xferlog/decode_transfer_type', 'c3d216ac8a169235', transferCallbacks.type],
  ['xferlog/decode_special_action_flag', 'e90edd3cdc14dfd5', transferCallbacks.specialAction],
  ['xferlog/decode_direction', '850d1de6683a1727', transferCallbacks.direction],
  ['xferlog/decode_access_mode', '7f95eb4301f9d78a', transferCallbacks.accessMode],
  ['xferlog/decode_authentication_method', 'b6c92a0b77ac511e', transferCallbacks.authentication],
  ['xferlog/decode_completion_status', '9610a41cab72fe7e', transferCallbacks.completion],
];

function common(hashes: readonly (readonly [string, string])[]): readonly (readonly [string, string, Callback])[] {
  return hashes.flatMap(([name, hash]) => {
    const callback = commonDateCallbacks.get(name);
    return callback === undefined ? [] : [[`/${name}`, hash, callback] as const];
  });
}

/** What the registry looks up: implementations by the hash of the source, and the names that have one. */
export const pylogsparserCallbacks = {
  byHash: new Map(KNOWN.map(([, hash, implementation]) => [hash, implementation])) as ReadonlyMap<string, Callback>,
  names: new Set(KNOWN.map(([key]) => key)) as ReadonlySet<string>,
} as const;
