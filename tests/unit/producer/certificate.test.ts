import { expect } from 'chai';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '../../../src/errors';
import { ownCertificate, readTlsFiles } from '../../../src/producer/certificate';
import { systemRandom } from '../../../src/random';
import { ManualClock } from '../../support/manual-clock';

describe('the certificate of a producer', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'resilog-certificate-')); });
  afterEach(() => { rmSync(folder, { recursive: true, force: true }); });
  const clock = new ManualClock();
  const own = (addresses: readonly string[]) =>
    ownCertificate({ folder: join(folder, 'data'), addresses, clock, random: systemRandom });

  it('is made once, for its addresses, its key readable by the owner only, dated back a day', async () => {
    const made = await own(['::1', 'logs.example.org']);
    const certificate = new X509Certificate(made.certificate);
    expect(certificate.checkIP('::1')).to.equal('::1');
    expect(certificate.checkHost('logs.example.org')).to.equal('logs.example.org');
    expect(statSync(join(folder, 'data', 'producer.key')).mode & 0o777).to.equal(0o600);
    expect(clock.now() - Date.parse(certificate.validFrom)).to.be.at.least(86_399_000);
    expect(await own(['::1'])).to.deep.equal(made);
    expect(await own(['0:0:0:0:0:0:0:1'])).to.deep.equal(made);
  });

  it('is made anew when the address changed or its end is near', async () => {
    const made = await own(['::1']);
    const moved = await own(['2001:db8::7']);
    expect(moved).to.not.deep.equal(made);
    expect(new X509Certificate(moved.certificate).checkIP('2001:db8::7')).to.equal('2001:db8::7');
    clock.step(3_640 * 86_400_000);
    expect(await own(['2001:db8::7'])).to.not.deep.equal(moved);
  });

  it('given files that can not be read are a sentence', () => {
    expect(() => readTlsFiles({ certificate: join(folder, 'none.crt'), key: join(folder, 'none.key') }))
      .to.throw(ConfigurationError).with.property('message').that.includes('none.crt');
  });
});
