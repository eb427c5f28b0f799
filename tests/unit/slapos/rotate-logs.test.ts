import { expect } from 'chai';
import {
  appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { checkout, run } from '../../support/checkout';

describe('rotate-logs.py', function () {
  this.timeout(60_000);
  let folder: string;
  let archive: string;
  let log: string;

  const rotate = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await run('python3', [
      join(checkout, 'templates', 'rotate-logs.py'), folder, archive, ...args, '--now']);
    expect(code, stderr).to.equal(0);
  };
  const archived = (): string[] => readdirSync(archive).sort();

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    archive = join(folder, 'backup', 'logrotate');
    log = join(folder, 'solr-output.log');
  });

  afterEach(() => { rmSync(folder, { recursive: true }); });

  it('compresses what a log has and empties it, for its writer to go on', async () => {
    writeFileSync(log, 'first\n');
    await rotate();
    appendFileSync(log, 'second\n');
    expect(readFileSync(log, 'utf8')).to.equal('second\n');
    expect(archived()).to.have.length(1);
    const file = join(archive, archived()[0] ?? '');
    expect(file).to.match(/solr-output\.log-\d{8}-\d{6}-\d{3}\.gz$/);
    expect(gunzipSync(readFileSync(file)).toString()).to.equal('first\n');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it('leaves alone what is empty, and what rotates by itself', async () => {
    writeFileSync(log, '');
    writeFileSync(join(folder, 'solr.log'), 'of log4j\n');
    await rotate();
    expect(archived()).to.deep.equal([]);
    expect(readFileSync(join(folder, 'solr.log'), 'utf8')).to.equal('of log4j\n');
  });

  it('keeps the newest files of each log', async () => {
    for (const text of ['one', 'two', 'three']) {
      writeFileSync(log, text);
      await rotate('--keep', '2');
    }
    expect(archived().map((name) => gunzipSync(readFileSync(join(archive, name))).toString())).to.deep.equal(['two', 'three']);
  });

  it('removes what a killed rotation left, whose lines are in the log still', async () => {
    mkdirSync(archive, { recursive: true });
    writeFileSync(join(archive, 'solr-output.log-20260101-000000-000.gz.part'), 'half');
    writeFileSync(log, 'all\n');
    await rotate();
    expect(archived()).to.have.length(1);
    expect(archived()[0]).not.to.include('part');
  });

  it('says what is wrong with its arguments', async () => {
    const { code, stderr } = await run('python3', [join(checkout, 'templates', 'rotate-logs.py'), folder]);
    expect(code).to.equal(2);
    expect(stderr).to.include('archive');
    expect(existsSync(archive)).to.equal(false);
  });
});
