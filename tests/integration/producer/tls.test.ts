import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'node:https';
import { systemClock } from '../../../src/clock';
import { systemRandom } from '../../../src/random';
import { issueCertificate, type IssuedCertificate } from '../../../src/registry/certificates';
import { startProducer, type Running } from './support';

/** `openssl s_client`, ended by the end of its input. */
function openssl(args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile('openssl', ['s_client', ...args], { timeout: 10_000 }, (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
    child.stdin?.end(input);
  });
}

describe('TLS of the intake', () => {
  let running: Running;
  let folder: string;
  let certificate: IssuedCertificate;
  let stranger: IssuedCertificate;
  const issue = (commonName: string) =>
    issueCertificate({ commonName, usage: 'client', validDays: 30 }, systemClock, systemRandom);
  before(async () => {
    running = await startProducer();
    folder = mkdtempSync(join(tmpdir(), 'resilog-tls-'));
    [certificate, stranger] = await Promise.all([issue('web'), issue('stranger')]);
    running.keys.add('web', {}, certificate.key);
  });
  after(async () => {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const pem = (issued: IssuedCertificate) => ({ cert: issued.certificatePem, key: issued.privateKeyPem });

  it('knows a source by its client certificate alone', async () => {
    expect((await running.post('/', 'x', pem(certificate))).json).to.include({ lines: 1 });
    expect((await running.post('/', 'x', pem(stranger))).json.error?.code).to.equal('key-unknown');
    expect((await running.post(`/${certificate.key}`, 'x', pem(stranger))).status).to.equal(200);
  });

  it('refuses the key of a certificate-only source, and takes its certificate', async () => {
    const only = await issue('only');
    const next = await issue('only, after rotation');
    running.keys.add('only', { certificateOnly: true }, only.key);
    running.keys.add('only', { certificateOnly: true }, next.key);
    const path = `/${only.key}`;
    expect((await running.post(path, 'x')).json.error?.code).to.equal('certificate-required');
    expect((await running.post('/', 'x', { headers: { 'x-resilog-key': only.key } })).status).to.equal(403);
    expect((await running.post(path, 'x', pem(stranger))).status).to.equal(403);
    expect((await running.post(path, 'x', pem(certificate))).status).to.equal(403);
    expect((await running.post('/', 'x', pem(only))).status).to.equal(200);
    expect((await running.post(path, 'x', pem(only))).status).to.equal(200);
    expect((await running.post(path, 'x', pem(next))).status).to.equal(200);
  });

  it('knows the client certificate on a resumed connection too', async () => {
    const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 });
    for (let round = 0; round < 3; round += 1) {
      const answer = await running.post('/', 'x', { ...pem(certificate), agent });
      expect(answer, `connection ${round}`).to.include({ status: 200, resumed: round > 0 });
    }
    agent.destroy();
  });

  it('resumes sessions of TLS 1.2 and 1.3, with one process behind the address', async () => {
    const connect = ['-connect', `[::1]:${running.port}`];
    const reconnected = await openssl([...connect, '-tls1_2', '-reconnect']);
    expect(reconnected.match(/^Reused, TLSv1\.2/gm) ?? []).to.have.length(5);
    const session = join(folder, 'session');
    const get = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const first = await openssl([...connect, '-tls1_3', '-ign_eof', '-sess_out', session], get);
    expect(first).to.match(/^New, TLSv1\.3/m);
    const second = await openssl([...connect, '-tls1_3', '-ign_eof', '-sess_in', session], get);
    expect(second).to.match(/^Reused, TLSv1\.3/m);
    expect(second).to.include('{"healthy":true}');
  });

  it('refuses TLS 1.1', async () => {
    const answer = await openssl(['-connect', `[::1]:${running.port}`, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0']);
    expect(answer).to.not.match(/^(New|Reused), TLSv1/m);
  });
});
