import { expect } from 'chai';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { Authority, type ServerRequest } from '../../../src/authority/authority';
import { systemClock } from '../../../src/clock';
import { InputError } from '../../../src/errors';
import { systemRandom } from '../../../src/random';

const DAY_MS = 86_400_000;

describe('the authority of a cluster', () => {
  const open = (secret = 'secret', daysLater = 0): Promise<Authority> => Authority.open({
    secret, clock: { ...systemClock, now: () => Date.now() + daysLater * DAY_MS }, random: systemRandom,
  });
  const newKey = (): string => createPublicKey(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export(
    { type: 'pkcs8', format: 'pem' })).export({ type: 'spki', format: 'pem' }).toString();
  const publicKey = newKey();
  const request: ServerRequest = { address: 'fd46::5', publicKey, renewDays: 60 };

  const isSigned = (pem: string, by: string): boolean => {
    const [certificate, authority] = [new X509Certificate(pem), new X509Certificate(by)];
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  };

  it('gives a server a certificate for its key, its address and a year, which its own verifies', async () => {
    const authority = await open();
    const own = await authority.certificate(undefined);
    const pem = await authority.issue(request, undefined);
    const issued = new X509Certificate(pem);
    expect(new X509Certificate(own).ca).to.equal(true);
    expect(issued.ca).to.equal(false);
    expect(isSigned(pem, own)).to.equal(true);
    expect(issued.checkIP('fd46::5')).to.be.a('string');
    expect(issued.publicKey.export({ type: 'spki', format: 'pem' })).to.equal(publicKey);
    expect(issued.keyUsage).to.have.members(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect((Date.parse(issued.validTo) - Date.now()) / DAY_MS).to.be.within(396, 398);
  });

  it('is the same wherever it is made of the same secret', async () => {
    const issued = await (await open()).issue(request, undefined);
    const again = await open();
    expect(isSigned(issued, await again.certificate(undefined))).to.equal(true);
    expect(await again.issue(request, issued)).to.equal(issued);
    const other = await open('other');
    expect(isSigned(issued, await other.certificate(undefined))).to.equal(false);
    expect(await other.issue(request, issued)).not.to.equal(issued);
  });

  it('keeps what it issued until it comes to its end, or is for another key or address', async () => {
    const authority = await open();
    const issued = await authority.issue(request, undefined);
    expect(await authority.issue(request, issued)).to.equal(issued);
    expect(await (await open('secret', 330)).issue(request, issued)).to.equal(issued);
    const renewed = await (await open('secret', 340)).issue(request, issued);
    expect(renewed).not.to.equal(issued);
    expect(new X509Certificate(renewed).publicKey.equals(new X509Certificate(issued).publicKey)).to.equal(true);
    for (const changed of [{ ...request, address: 'fd46::6' }, { ...request, publicKey: newKey() }]) {
      expect(await authority.issue(changed, issued)).not.to.equal(issued);
    }
    expect(await authority.issue(request, 'no certificate')).to.include('BEGIN CERTIFICATE');
  });

  it('makes its own certificate anew years before it ends, for the same key', async () => {
    const own = await (await open()).certificate(undefined);
    expect(await (await open('secret', 2_000)).certificate(own)).to.equal(own);
    const renewed = await (await open('secret', 2_600)).certificate(own);
    expect(renewed).not.to.equal(own);
    expect(new X509Certificate(renewed).publicKey.equals(new X509Certificate(own).publicKey)).to.equal(true);
    // A server's certificate is none of an authority's.
    expect(await (await open()).certificate(await (await open()).issue(request, undefined))).to.include('BEGIN CERTIFICATE');
  });

  it('refuses what is no public key', async () => {
    const authority = await open();
    const refusal = await authority.issue({ ...request, publicKey: 'x' }, undefined).catch((error: unknown) => error);
    expect(refusal).to.be.instanceOf(InputError);
    expect(String(refusal)).to.include('fd46::5');
  });
});
