import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { definitionSetOf, readDefinitionFolder } from '../../../src/normaliser/definition-set';
import { createNormaliser } from '../../../src/normaliser/normaliser';
import type { Normaliser, Normalised } from '../../../src/normaliser/ports';
import { programFolder } from '../../../src/schemas';

const SAMPLES = join(programFolder, 'samples');

interface Expectation {
  /** Normalizer → least share of the lines that it matches, in percent. */
  readonly matched: Readonly<Record<string, number>>;
  /** The first line with this text in it has at least these tags. */
  readonly line: string;
  readonly tags: Readonly<Record<string, string>>;
}

const SYSLOG = { 'syslog-2.0': 99 };

/** Every sample: what our own definitions, without PyLogsParser's, find in it. */
const SAMPLES_EXPECTED: Readonly<Record<string, Expectation>> = {
  'accounts.rfc3164.log': { matched: { ...SYSLOG, 'accounts-1.0': 30, 'su-1.0': 15, 'pam-linux-1.0': 45 },
    line: 'FAILED SU (to root) fatima', tags: { action: 'fail', target_user: 'root', user: 'fatima' } },
  'apache-access.log': { matched: { 'web-access-1.0': 99 },
    line: 'GET /phpmyadmin/', tags: { method: 'GET', url: '/phpmyadmin/', status: '404' } },
  'apache-error.log': { matched: { 'apache-error-1.0': 99 },
    line: 'AH00128: File does not exist', tags: { error_code: 'AH00128', severity: 'info', component: 'core' } },
  'apache-vhost.log': { matched: { 'web-access-1.0': 99 },
    line: 'Googlebot', tags: { dest_host: 'web1.example.test', dest_port: '80' } },
  'cron.rfc3164.log': { matched: { ...SYSLOG, 'cron-1.0': 33, 'pam-linux-1.0': 60 },
    line: '(fatima) CMD (uptime', tags: { user: 'fatima', action: 'CMD', program: 'CRON' } },
  'dhcpd.rfc3164.log': { matched: { ...SYSLOG, 'isc-dhcpd-1.0': 95 }, line: 'DHCPACK', tags: { program: 'dhcpd', source: 'gw1' } },
  'dovecot.rfc3164.log': { matched: { ...SYSLOG, 'dovecot-1.0': 98 }, line: 'unknown user', tags: { program: 'dovecot', source: 'mail1' } },
  'haproxy.rfc3164.log': { matched: { ...SYSLOG, 'haproxy-1.0': 99 },
    line: '2001:db8:0:1::16:', tags: { source_ip: '2001:db8:0:1::16', frontend: 'public', program: 'haproxy' } },
  'mixed.rfc3164.log': { matched: { ...SYSLOG, 'web-access-1.0': 15, 'openssh-1.0': 6, 'postgresql-1.0': 4 },
    line: 'disconnection: session time: 0:00:00.053', tags: { action: 'disconnect', database: 'postgres', program: 'postgres' } },
  'mixed.rfc5424.log': { matched: { 'syslog-rfc5424-1.0': 99, 'web-access-1.0': 15, 'pam-linux-1.0': 10 },
    line: 'new group: name=chloe', tags: { program: 'useradd', action: 'add group', group: 'chloe' } },
  'mongod.log': { matched: { 'mongodb-1.0': 99 },
    line: '"Slow query"', tags: { event_name: 'Slow query', severity: 'info', program: 'mongod' } },
  'named.rfc3164.log': { matched: { ...SYSLOG, 'bind9-1.0': 95 }, line: 'queries: info', tags: { program: 'named', source: 'gw1' } },
  'netfilter.rfc3164.log': { matched: SYSLOG, line: 'IN-REJECT', tags: { program: 'kernel', source: 'gw1' } },
  'nginx-access.log': { matched: { 'web-access-1.0': 99 },
    line: '/doc/bind9/README.md.gz', tags: { source_ip: '198.51.100.22', useragent: 'Lynx/2.9.0dev.12 libwww-FM/2.14' } },
  'nginx-error.log': { matched: { 'nginx-error-1.0': 99 },
    line: '*213 open()', tags: { severity: 'error', source_ip: '127.0.0.1', url: '/favicon.ico' } },
  'nginx-json.log': { matched: { 'json-1.0': 99 },
    line: '"uri":"/doc/binutils/changelog.gz"', tags: { source_ip: '192.0.2.14', status: '200', len: '18182' } },
  // A format of the capture's own, that nobody else has: what `normalizer unparsed` is for.
  'nginx-raw.log': { matched: {}, line: 'GET /index.html', tags: {} },
  'postfix.rfc3164.log': { matched: { ...SYSLOG, 'postfix-mail-1.0': 98 }, line: 'status=sent', tags: { source: 'mail1' } },
  'postgresql.log': { matched: { 'postgresql-1.0': 97 },
    line: 'ERROR:  invalid input', tags: { severity: 'error', user: 'shop', program: 'postgres' } },
  'slapd.rfc3164.log': { matched: { ...SYSLOG, 'slapd-1.0': 20 }, line: 'UNBIND', tags: { program: 'slapd', source: 'db1' } },
  // PyLogsParser's own definition knows these two.
  'squid-access.log': { matched: {}, line: 'TCP_MISS/200', tags: {} },
  'squid-cache.log': { matched: {}, line: 'Service Name', tags: {} },
  'sshd.rfc3164.log': { matched: { ...SYSLOG, 'openssh-1.0': 58, 'pam-linux-1.0': 37 },
    line: 'not allowed because', tags: { action: 'deny', user: 'hana', source_ip: '192.0.2.107' } },
  'sudo.rfc3164.log': { matched: { ...SYSLOG, 'sudo-1.0': 39, 'pam-linux-1.0': 59 },
    line: 'user NOT in sudoers', tags: { action: 'deny', user: 'emre', reason: 'user NOT in sudoers' } },
  'ulogd.log': { matched: { ...SYSLOG, 'netfilter-ulogd-1.0': 99 }, line: '[telnet]', tags: { source: 'gw1' } },
  'vsftpd.log': { matched: { 'vsftpd-1.0': 99 }, line: 'CONNECT', tags: { program: 'vsftpd' } },
  'xferlog.log': { matched: { 'ftp-transfer-1.0': 99 }, line: 'protocols-1', tags: { user: 'ana' } },
  'zookeeper.log': { matched: { 'zookeeper-1.0': 99 },
    line: '/192.0.2.16:43004', tags: { source_ip: '192.0.2.16', severity: 'warn', code_line: '1494' } },
};

describe('our own definitions over the samples', function () {
  this.timeout(120_000);
  let normaliser: Normaliser;

  before(async () => {
    normaliser = createNormaliser(definitionSetOf(await readDefinitionFolder(join(programFolder, 'normalizers'))));
  });

  const run = (text: string): Normalised =>
    normaliser.normalise({ text, receivedMs: Date.UTC(2026, 10, 22, 4), timeZone: 'UTC' });

  it('are told of for every sample', () => {
    expect(Object.keys(SAMPLES_EXPECTED)).to.have.members(readdirSync(SAMPLES).filter((name) => name.endsWith('.log')));
  });

  for (const [file, { matched, line, tags }] of Object.entries(SAMPLES_EXPECTED)) {
    const shares = Object.entries(matched).map(([normalizer, share]) => `${normalizer} ${share} %`).join(', ') || 'nothing';
    it(`find in ${file}: ${shares}`, () => {
      const lines = readFileSync(join(SAMPLES, file), 'utf8').split('\n').filter((text) => text !== '');
      const counts = new Map<string, number>();
      for (const text of lines) {
        for (const { normalizer } of run(text).matched) counts.set(normalizer, (counts.get(normalizer) ?? 0) + 1);
      }
      for (const [normalizer, share] of Object.entries(matched)) {
        expect((counts.get(normalizer) ?? 0) / lines.length * 100, normalizer).to.be.at.least(share);
      }
      // Definitions for other formats leave the file alone.
      if (Object.keys(matched).length === 0) expect([...counts]).to.deep.equal([]);
      const one = lines.find((text) => text.includes(line));
      expect(run(one ?? '').tags).to.include(tags);
      expect(one, `a line with ${line}`).to.be.a('string');
    });
  }

  it('never let a definition for a header take a line of another form', () => {
    for (const file of ['postgresql.log', 'zookeeper.log', 'mongod.log', 'nginx-error.log', 'apache-error.log']) {
      const lines = readFileSync(join(SAMPLES, file), 'utf8').split('\n').filter((text) => text !== '');
      const taken = lines.filter((text) => run(text).matched.some(({ normalizer }) => normalizer.startsWith('syslog')));
      expect(taken.slice(0, 3), file).to.deep.equal([]);
    }
    for (const text of ['2026-11-22T03:33:08.4Z stdout F started', '2026-11-22 10:00:00.123 ERROR: it broke',
      '2026-11-22 10:00:00.123 INFO com.example.Main: started', '2026-11-22 03:26:15.454 CET [891] LOG:  ready']) {
      expect(run(text).tags, text).to.not.have.property('source');
    }
  });

  it('read what a container wrote as if it stood alone, with the container\'s date', () => {
    const inner = '192.0.2.7 - - [22/Nov/2026:03:26:28 +0000] "GET /a HTTP/1.1" 200 3 "-" "curl/8"';
    const result = run(`2026-11-22T03:26:29.5Z stdout F ${inner}`);
    expect(result.matched.map(({ normalizer }) => normalizer)).to.deep.equal(['kubernetes-cri-1.0', 'web-access-1.0']);
    expect(result.tags).to.include({ stream: 'stdout', method: 'GET', url: '/a' });
    expect(result.body).to.equal(inner);
    const docker = run(JSON.stringify({ log: '{"level":"error","msg":"broken"}\n', stream: 'stderr', time: '2026-11-22T03:26:29Z' }));
    expect(docker.matched.map(({ normalizer }) => normalizer)).to.deep.equal(['kubernetes-cri-1.0', 'json-1.0']);
    expect(docker.tags).to.include({ severity: 'error', json_msg: 'broken', stream: 'stderr' });
  });

  it('leave JSON that has a definition of its own to it, and take all other', () => {
    const normalizers = (value: unknown): readonly string[] => (
      run(JSON.stringify(value)).matched.map((one) => one.normalizer));
    expect(normalizers({ EventID: 4624, SourceName: 'x', Hostname: 'h' })).to.deep.equal(['windows-event-json-1.0']);
    expect(normalizers({ event_id: 7, message: 'of an application' })).to.deep.equal(['json-1.0']);
    expect(run('{"t":{"$date":"2026-11-22T03:33:28.967+00:00"},"s":"I"}').matched.map((one) => one.normalizer))
      .to.deep.equal(['mongodb-1.0']);
  });
});
