import { expect } from 'chai';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkout, run, type Run } from '../../support/checkout';

type Issued = Readonly<Record<string, string>>;

describe('resilog certificate', function () {
  this.timeout(60_000);
  let folder: string;
  const certificate = (args: readonly string[], input = ''): Promise<Run> =>
    run(join(checkout, 'bin', 'resilog'), ['certificate', ...args], { input });
  const modes = (path: string): number[] => readdirSync(path).map((name) => statSync(join(path, name)).mode & 0o777);
  const keyOf = async (name: string): Promise<string> => (await certificate(['key', '--file', join(folder, 'keys', name)])).stdout.trim();

  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'resilog-')); });
  afterEach(() => { rmSync(folder, { recursive: true }); });

  it('makes a key once, for its owner\'s eyes, and shows the public one', async () => {
    const shown = await keyOf('server.key');
    expect(shown).to.match(/^-----BEGIN PUBLIC KEY-----\n[\s\S]+-----END PUBLIC KEY-----$/);
    expect(await keyOf('server.key')).to.equal(shown);
    expect(modes(join(folder, 'keys'))).to.deep.equal([0o600]);
    expect(await keyOf('other.key')).not.to.equal(shown);
  });

  it('issues certificates, keeps them, and writes stores that Java reads', async () => {
    const member = { name: 'solr-1', address: '::1', publicKey: await keyOf('server.key'), renewDays: 60 };
    const issue = async (former?: Issued): Promise<Issued> => {
      const request = JSON.stringify({ secret: 's', members: [member], former });
      const { code, stdout, stderr } = await certificate(['issue', '--json'], request);
      expect(code, stderr).to.equal(0);
      expect(stdout + stderr).not.to.include('PRIVATE');
      return JSON.parse(stdout) as Issued;
    };
    const issued = await issue();
    expect(await issue(issued)).to.deep.equal(issued);
    expect(await issue()).not.to.deep.equal(issued);
    mkdirSync(join(folder, 'kept'));
    for (const [name, pem] of Object.entries(issued)) writeFileSync(join(folder, 'kept', `${name}.crt`), pem, { mode: 0o600 });
    const stores = await certificate(['stores', '--key', join(folder, 'keys', 'server.key'), '--certificate',
      join(folder, 'kept', 'solr-1.crt'), '--authority', join(folder, 'kept', 'authority.crt'), '--folder', join(folder, 'kept')]);
    expect(stores.code, stores.stderr).to.equal(0);
    expect(new Set(modes(join(folder, 'kept')))).to.deep.equal(new Set([0o600]));
    const password = /password=(\w{64})/.exec(readFileSync(join(folder, 'kept', 'stores.properties'), 'utf8'))?.[1] ?? '';
    const list = (name: string): Promise<Run> => run(join(checkout, 'parts', 'java', 'bin', 'keytool'),
      ['-list', '-keystore', join(folder, 'kept', name), '-storepass', password]);
    expect((await list('key.p12')).stdout).to.include('PrivateKeyEntry');
    expect((await list('trust.p12')).stdout).to.include('trustedCertEntry');
  });

  it('makes no stores of a certificate that is of another key', async () => {
    const member = { name: 'solr-1', address: '::1', publicKey: await keyOf('former.key'), renewDays: 60 };
    const { stdout } = await certificate(['issue', '--json'], JSON.stringify({ secret: 's', members: [member] }));
    const issued = JSON.parse(stdout) as Issued;
    for (const [name, pem] of Object.entries(issued)) writeFileSync(join(folder, `${name}.crt`), pem);
    await keyOf('server.key');
    const { code, stderr } = await certificate(['stores', '--key', join(folder, 'keys', 'server.key'), '--certificate',
      join(folder, 'solr-1.crt'), '--authority', join(folder, 'authority.crt'), '--folder', join(folder, 'kept')]);
    expect(code).to.equal(78);
    expect(stderr).to.match(/the certificate is not of the key in .*server\.key.*issued/s);
    expect(existsSync(join(folder, 'kept'))).to.equal(false);
  });

  it('says what it can not use', async () => {
    const issue = (input: string): Promise<Run> => certificate(['issue', '--json'], input);
    expect((await issue('{')).stderr).to.include('is not JSON');
    const member = { name: '../x', address: '::1', publicKey: 'x', renewDays: 1 };
    expect((await issue(JSON.stringify({ secret: 's', members: [member] }))).stderr).to.include('"../x" is not the name of a member');
  });
});
