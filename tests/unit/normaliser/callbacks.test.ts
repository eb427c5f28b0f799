import { expect } from 'chai';
import { type Callback, CallbackRefusal, type LogValue } from '../../../src/normaliser/callback';
import { extractArkoon } from '../../../src/normaliser/callbacks/arkoon';
import { commonDateCallbacks } from '../../../src/normaliser/callbacks/common-dates';
import { decodeBindUser, decodeExtraParameters, decodeResult } from '../../../src/normaliser/callbacks/ldap';
import { decodeSourceContext, extractSpamReason } from '../../../src/normaliser/callbacks/mail';
import {
  decodeFail2banDate, decodeLea, decodeNetfilter, decodePostfix, decodeSquidDestination, decodeSquidUser,
} from '../../../src/normaliser/callbacks/network';
import {
  decodeNamedSeverity, decodeNamedView, decodeSshAction, decodeUrlPath, sanitizeLength, splitS3Request,
} from '../../../src/normaliser/callbacks/small';
import { decodeSyslogDate } from '../../../src/normaliser/callbacks/syslog';
import { symantecCallbacks } from '../../../src/normaliser/callbacks/symantec';
import { findBot, guessSystem } from '../../../src/normaliser/callbacks/user-agent';
import { decodeExpiryDate, decodeTicketFailure } from '../../../src/normaliser/callbacks/windows';
import { bodyHash } from '../../../src/normaliser/callback-registry';
import { printLogDate } from '../../../src/normaliser/log-date';
import { seededRandom } from '../../support/pylogsparser/mutated-lines';

/** The tags after the callback, dates as Python prints them. */
function call(
  callback: Callback, value: string, before: Readonly<Record<string, LogValue>> = {},
): Record<string, string | number> {
  const log = new Map(Object.entries(before));
  callback(value, log, { text: '', receivedMs: Date.UTC(2026, 10, 22), timeZone: 'Europe/Paris' });
  return Object.fromEntries([...log].map(([name, tag]) => [name, typeof tag === 'object' ? printLogDate(tag) : tag]));
}

function refuses(callback: Callback, value: string, before: Readonly<Record<string, LogValue>> = {}): void {
  expect(() => call(callback, value, before), value).to.throw(CallbackRefusal);
}

describe('callbacks', () => {
  const dates: readonly (readonly [name: string, value: string, printed: string, bad: string])[] = [
    ['MM/dd/YYYY hh:mm:ss', '07/24/2012 10:11:12', '2012-07-24 10:11:12', '24/07/2012 10:11:12'],
    ['dd/MMM/YYYY:hh:mm:ss', '[24/Jul/2012:10:11:12 +0200]', '2012-07-24 10:11:12', '24/jul/2012:10:11:12'],
    ['MMM dd hh:mm:ss', 'Nov  2 10:11:12', '2026-11-02 10:11:12', 'nov  2 10:11:12'],
    ['MMM dd YYYY hh:mm:ss', 'Jul 24 2012 10:11:12', '2012-07-24 10:11:12', 'Jul 32 2012 10:11:12'],
    ['DDD MMM dd hh:mm:ss YYYY', 'Tue Jul 24 10:11:12 2012', '2012-07-24 10:11:12', 'Tue Foo 24 10:11:12 2012'],
    ['YYYY-MM-DD hh:mm:ss', 'at 2012-07-24 10:11:12', '2012-07-24 10:11:12', '2012-07-24 10:60:12'],
    ['MM/DD/YY, hh:mm:ss', '07/24/12, 9:11:12', '2012-07-24 09:11:12', '07/24/2012 10:11:12'],
    ['YYMMDD hh:mm:ss', '120724  9:11:12', '2012-07-24 09:11:12', '121324 10:11:12'],
    ['ISO8601', '2012-07-24T10:11:12.345Z', '2012-07-24 10:11:12.345000', '2012-07-24T10:11:12+01:00'],
    ['EPOCH', '1343124672.25', '2012-07-24 10:11:12.250000', 'soon'],
    ['dd-MMM-YYYY hh:mm:ss', '24-Jul-2012 10:11:12.345', '2012-07-24 10:11:12.345000', '24-July-2012 10:11:12'],
  ];
  for (const [name, value, printed, bad] of dates) {
    it(`${name} reads its form and refuses others`, () => {
      const callback = commonDateCallbacks.get(name);
      if (callback === undefined) throw new Error('there is none');
      expect(call(callback, value)).to.deep.equal({ date: printed });
      refuses(callback, bad);
    });
  }

  it('there is one for each of the common names', () => {
    expect([...commonDateCallbacks.keys()].sort()).to.deep.equal(dates.map(([name]) => name).sort());
  });

  it('read plain dates without a year the short way as the long way', () => {
    const random = seededRandom(7);
    const pick = (text: string): string => text.charAt(Math.floor(random() * text.length));
    const receptions = ['2026-11-22T05:00Z', '2024-01-01T00:00Z', '2024-07-01T12:00Z', '2023-12-31T23:59Z'].map(Date.parse);
    const outcome = (callback: Callback, value: string, receivedMs: number): string => {
      const log = new Map<string, LogValue>();
      try {
        callback(value, log, { text: '', receivedMs, timeZone: 'UTC' });
      } catch (error) {
        return error instanceof CallbackRefusal ? 'refused' : String(error);
      }
      return JSON.stringify([...log]);
    };
    const wrong: string[] = [];
    for (let at = Date.UTC(2024, 0, 1); at < Date.UTC(2025, 0, 1); at += 41 * 60_000) {
      const [, month = '', day = '', , time = ''] = new Date(at).toUTCString().replace(',', '').split(' ')
        .map((part, index, all) => (index === 1 ? all[2] ?? '' : index === 2 ? all[1] ?? '' : part));
      let value = `${month} ${random() < 0.5 ? day : day.replace(/^0/, ' ')} ${time}`;
      if (random() < 0.3) {
        const place = Math.floor(random() * value.length);
        value = value.slice(0, place) + pick('0123456789 :;/aN\u0661') + value.slice(place + 1);
      }
      for (const callback of [commonDateCallbacks.get('MMM dd hh:mm:ss') as Callback, decodeSyslogDate]) {
        for (const received of receptions) {
          // What follows the seconds is left out by both, but only texts of 15 characters are read the short way.
          const [short, long] = [value, `${value}x`].map((text) => outcome(callback, text, received));
          if (short !== long) wrong.push(`${value}: ${short ?? ''} ${long ?? ''}`);
        }
      }
    }
    expect(wrong).to.deep.equal([]);
  });

  it('know a body by its code, not by its indentation or blank lines', () => {
    const hash = bodyHash('if value:\n    log["a"] = value');
    expect(bodyHash('\n\n  if value:   \r\n\n      log["a"] = value\n  ')).to.equal(hash);
    expect(bodyHash('if value:\n    log["b"] = value')).to.not.equal(hash);
  });

  it('read netfilter’s keys', () => {
    expect(call(decodeNetfilter, 'IN=eth0 OUT= MAC=00:16:3e:aa:bb:cc:00:16:3e:11:22:33:08:00 SRC=192.0.2.7 DST=198.51.100.9 LEN=60 TTL=64 DF PROTO=TCP SPT=50122 DPT=22'))
      .to.deep.equal({ inbound_int: 'eth0', dest_mac: '00:16:3e:aa:bb:cc', source_mac: '00:16:3e:11:22:33', source_ip: '192.0.2.7',
        dest_ip: '198.51.100.9', len: '60', protocol: 'TCP', source_port: '50122', dest_port: '22', program: 'netfilter' });
    refuses(decodeNetfilter, 'A=b=c');
  });

  it('read postfix’ pairs, and split its program', () => {
    expect(call(decodePostfix, 'to=<a@x.org>, orig_to=<a>, relay=mx.x.org[192.0.2.25]:25, delay=0.9, size=12, status=sent (250 OK)', { program: 'postfix/smtp' }))
      .to.deep.equal({ program: 'postfix', component: 'smtp', message_recipient: 'a@x.org', orig_to: 'a', relay: 'mx.x.org[192.0.2.25]:25',
        len: '12', status: 'sent', dest_host: 'mx.x.org', dest_ip: '192.0.2.25', dest_port: '25' });
    refuses(decodePostfix, 'removed');
    refuses(decodePostfix, 'client=[::1]');
  });

  it('read Check Point’s pairs', () => {
    const line = 'loc=7|time=2012-07-24 10:11:12|action=drop|orig=fw1|i/f_dir=inbound|i/f_name=eth1|src=192.0.2.7|dst=host|proto=tcp|service=22';
    expect(call(decodeLea, line, { body: line })).to.deep.equal({ body: line.replaceAll('|', ' '), id: '7', action: 'drop', protocol: 'tcp',
      dest_port: '22', date: '2012-07-24 10:11:12', source_ip: '192.0.2.7', dest_host: 'host', local_host: 'fw1', inbound_int: 'eth1' });
    expect(call(decodeLea, line.replace('2012-07-24 10:11:12', '24Jul2012'), { body: line })).to.include({ time: '24Jul2012' });
    refuses(decodeLea, line.replace('src=', 'from='), { body: line });
  });

  it('read Arkoon’s pairs and the texts within them', () => {
    const line = 'id=firewall time="2012-07-24 10:11:12" fw=192.0.2.1 aktype=ALERT gmtime=1343124672 proto=6/tcp pri=3 alert_desc="Land attack from 192.0.2.7 to 192.0.2.8" reason="" user-name=bob';
    expect(call(extractArkoon, line)).to.deep.equal({ program: 'arkoon', id: 'firewall', fw: '192.0.2.1', body: line, date: '2012-07-24 10:11:12',
      alert_desc: 'Land attack from 192.0.2.7 to 192.0.2.8', source_ip: '192.0.2.7', dest_ip: '192.0.2.8', priority: '3', event_id: 'ALERT',
      local_ip: '192.0.2.1', protocol: 'tcp', user_name: 'bob' });
    expect(call(extractArkoon, 'id=ids time=1 fw=a aktype=b gmtime=1')).to.deep.equal({});
  });

  it('read web servers’ and proxies’ odds and ends', () => {
    expect(call(decodeUrlPath, 'GET /a/b?c=d HTTP/1.1')).to.deep.equal({ url_path: '/a/b', method: 'GET' });
    expect(call(decodeUrlPath, '-')).to.deep.equal({});
    expect([call(sanitizeLength, '12'), call(sanitizeLength, '-')]).to.deep.equal([{ len: '12' }, { len: 0 }]);
    expect([call(decodeSquidUser, '-'), call(decodeSquidUser, 'bob')]).to.deep.equal([{}, { user: 'bob' }]);
    expect(call(decodeSquidDestination, '192.0.2.7')).to.deep.equal({ dest_ip: '192.0.2.7' });
    expect(call(decodeSquidDestination, 'x.org')).to.deep.equal({ dest_host: 'x.org' });
    expect(call(splitS3Request, '"GET /x HTTP/1.1"')).to.deep.equal({ http_method: 'GET', http_target: '/x', protocol: 'HTTP/1.1' });
    refuses(splitS3Request, '"GET"');
    expect(call(findBot, 'Mozilla (compatible; GoogleBot/2.1)')).to.deep.equal({ search_engine_bot: 'googlebot' });
    expect(call(guessSystem, 'X11; Linux x86_64')).to.deep.equal({ source_os: 'Linux' });
  });

  it('read codes of sshd, named, slapd and Windows', () => {
    expect(['Failed', 'Accepted'].map((value) => call(decodeSshAction, value)['action'])).to.deep.equal(['fail', 'accept']);
    expect(call(decodeNamedSeverity, 'info:')).to.deep.equal({ severity: 'info', severity_code: 6 });
    refuses(decodeNamedSeverity, 'loud:');
    expect(call(decodeNamedView, 'view internal:')).to.deep.equal({ view: 'internal' });
    expect(call(decodeResult, '49')).to.deep.equal({ status: 'Security error - invalid credentials' });
    expect(call(decodeBindUser, 'dn="cn=a"')).to.deep.equal({ user: 'cn=a' });
    expect(call(decodeExtraParameters, 'base="o=x" scope=2 deref')).to.deep.equal({ base: '"o=x"', scope: 'subtree', scope_code: '2' });
    refuses(decodeExtraParameters, 'scope=all');
    expect(['0x6', '6', '?'].map((value) => call(decodeTicketFailure, value)['reason']))
      .to.deep.equal(['Client not found in Kerberos database', 'Client not found in Kerberos database', '-']);
    expect(call(decodeExpiryDate, '129876306720000000')).to.deep.equal({ expiry_date: '2012-07-24T21:11:12' });
    expect(call(decodeExpiryDate, 'never')).to.deep.equal({ expiry_date: 'never' });
  });

  it('read Symantec’s codes and masks', () => {
    expect(call(symantecCallbacks.decodeDate, '2A06180A0B0C')).to.deep.equal({ date: '2012-07-24 10:11:12' });
    expect(call(symantecCallbacks.event, '5')).to.deep.equal({ event_id: 'GL_EVENT_INFECTION' });
    refuses(symantecCallbacks.event, '999');
    expect(call(symantecCallbacks.virusType, '256')).to.deep.equal({ virus_type: 'VEFILEVIRUS' });
    expect(call(symantecCallbacks.operationFlags, '5')).to.deep.equal({ operation_flags: 'FA_EXEC + FA_READ' });
    refuses(symantecCallbacks.operationFlags, String(2 ** 30));
    expect(call(symantecCallbacks.action1, 'x')).to.deep.equal({ primary_action_configuration: 'Unknown action' });
    expect(call(symantecCallbacks.action1, '1')).to.deep.equal({ primary_action_configuration: 'Quarantine infected file' });
  });

  it('read mail filters’ and servers’ texts', () => {
    expect(call(extractSpamReason, 'a, URI DNSBL: [x.org], b')).to.include({ reason: 'URI DNSBL', reason_detail: 'x.org' });
    expect(call(decodeSourceContext, '"ClientSubmitTime:2012-07-24T10:11:12.345Z, MailboxName:x"'))
      .to.deep.equal({ client_submit_time: 'Tue Jul 24 10:11:12 2012', mailbox_name: 'x' });
    refuses(decodeSourceContext, 'nothing');
    expect(call(decodeFail2banDate, '2012-07-24 10:11:12,345')).to.deep.equal({ date: '2012-07-24 10:11:12.345000' });
  });
});
