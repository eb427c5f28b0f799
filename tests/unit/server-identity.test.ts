import { expect } from 'chai';
import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { systemClock } from '../../src/clock';
import { systemRandom } from '../../src/random';
import { issueCertificate } from '../../src/registry/certificates';
import { basicAuthorization, parseCredentials, tlsOptions } from '../../src/server-access';
import { identityProblem } from '../../src/server-identity';

type Name = { readonly type: 'ip' | 'dns'; readonly value: string };

describe('whether a certificate is that of a server', () => {
  const certificateFor = async (commonName: string, ...addresses: Name[]): Promise<PeerCertificate> => {
    const { certificatePem } = await issueCertificate({ commonName, usage: 'server', validDays: 1, addresses }, systemClock, systemRandom);
    return new X509Certificate(certificatePem).toLegacyObject();
  };

  it('compares IPv6 addresses however they are written', async () => {
    const certificate = await certificateFor('x', { type: 'ip', value: '::1' }, { type: 'ip', value: 'fd46::a:5' });
    for (const host of ['::1', '[::1]', '0:0:0:0:0:0:0:1', 'fd46::a:5', 'FD46:0::A:5', '[fd46::a:5]']) {
      expect(identityProblem(host, certificate), host).to.equal(undefined);
    }
    for (const host of ['::2', 'fd46::a:6', '127.0.0.1', '::ffff:0.0.0.1']) {
      expect(identityProblem(host, certificate), host).to.be.instanceOf(Error);
    }
  });

  it('takes an address from nothing but the certificate\'s IP addresses', async () => {
    for (const certificate of [
      await certificateFor('::1'), await certificateFor('*'), await certificateFor('x', { type: 'dns', value: 'localhost' }),
      await certificateFor('::1', { type: 'dns', value: '*' }),
    ]) {
      expect(identityProblem('::1', certificate)).to.match(/is for .*, not for that address/);
    }
  });

  it('refuses a server that shows no certificate', () => {
    expect(identityProblem('::1', {} as PeerCertificate)).to.match(/is for nobody/);
  });

  it('compares names as Node does', async () => {
    const certificate = await certificateFor('x', { type: 'dns', value: '*.example.org' });
    expect(identityProblem('db.example.org', certificate)).to.equal(undefined);
    expect(identityProblem('example.com', certificate)).to.be.instanceOf(Error);
  });
});

describe('how a process proves itself to servers', () => {
  it('splits user and password at the first colon', () => {
    expect(parseCredentials('admin:a:b')).to.deep.equal({ user: 'admin', password: 'a:b' });
    for (const text of ['', 'admin', 'admin:', ':x', 'a b:c']) expect(parseCredentials(text), text).to.equal(undefined);
  });

  it('always compares certificates, and trusts the authority alone when there is one', () => {
    expect(tlsOptions(undefined)).to.deep.equal({ checkServerIdentity: identityProblem });
    expect(tlsOptions({ authority: 'PEM' })).to.deep.equal({ checkServerIdentity: identityProblem, ca: 'PEM' });
  });

  it('says who it is by HTTP\'s basic authentication', () => {
    expect(basicAuthorization({})).to.equal(undefined);
    expect(basicAuthorization({ credentials: { user: 'u', password: 'p:é' } })).to.equal(`Basic ${Buffer.from('u:p:é').toString('base64')}`);
  });
});
