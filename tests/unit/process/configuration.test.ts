import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '../../../src/errors';
import { digestIdentity } from '../../../src/registry/access';
import { findConfiguration, formatAddress, parseAddress, readConfiguration } from '../../../src/process/configuration';

describe('process configuration', () => {
  let folder: string;
  const write = (content: unknown): string => {
    const file = join(folder, 'resilog.json');
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };

  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'resilog-')); });
  afterEach(() => { rmSync(folder, { recursive: true }); });

  it('gives defaults, and paths relative to the file', () => {
    writeFileSync(join(folder, 'secret'), 'admin:pw\n');
    const read = readConfiguration(write({ zookeeper: ['[::1]:2181', 'zk.example:2182'], data: 'd', credentials: 'secret' }));
    expect(read.zookeeper).to.deep.equal([{ host: '::1', port: 2181 }, { host: 'zk.example', port: 2182 }]);
    expect(read).to.include({ chroot: '/resilog', data: join(folder, 'd'), credentials: 'admin:pw', logLevel: 'info' });
  });

  it('names the file, the key and the nearest known one', () => {
    expect(() => readConfiguration(write({ zookeeper: ['[::1]:1'], adress: '::1' })))
      .to.throw(ConfigurationError, /resilog\.json: unknown key "adress", did you mean "address"\?/);
  });

  it('names what is missing and what is wrong', () => {
    expect(() => readConfiguration(write({}))).to.throw(ConfigurationError, '"zookeeper" is missing');
    expect(() => readConfiguration(write({ zookeeper: ['::1'] }))).to.throw(ConfigurationError, 'zookeeper.0: "::1" must match');
    expect(() => readConfiguration(write('{'))).to.throw(ConfigurationError, "can't be read");
    expect(() => readConfiguration(join(folder, 'none'))).to.throw(ConfigurationError, 'none');
    expect(() => readConfiguration(write({ zookeeper: ['[::1]:1'], credentials: 'gone' }))).to.throw(ConfigurationError, 'gone');
  });

  it('refuses credentials that belong to none of the roles', () => {
    const [admin, producer, consumer, launcher] = ['admin', 'producer', 'consumer', 'launcher']
      .map((role) => digestIdentity(`${role}:password`));
    const access = { admin, producer, consumer, launcher };
    writeFileSync(join(folder, 'secret'), 'consumer:password\n');
    const content = { zookeeper: ['[::1]:1'], credentials: 'secret', access };
    expect(readConfiguration(write(content)).access).to.deep.equal(access);
    writeFileSync(join(folder, 'secret'), 'consumer:other\n');
    expect(() => readConfiguration(write(content))).to.throw(ConfigurationError, 'none of the roles');
    expect(() => readConfiguration(write({ zookeeper: ['[::1]:1'], access }))).to.throw(ConfigurationError, 'none of the roles');
    expect(() => readConfiguration(write({ ...content, access: { ...access, admin: 'admin:password' } })))
      .to.throw(ConfigurationError, 'access.admin');
  });

  it('reads how it proves itself to MongoDB and Solr, from files that its own file names', () => {
    const content = {
      zookeeper: ['[::1]:1'], solr: { credentials: 'solr', authority: 'ca.crt' },
      mongodb: { credentials: 'mongodb', key: 'key', users: 'users' },
    };
    expect(() => readConfiguration(write(content))).to.throw(ConfigurationError, `${join(folder, 'key')} can't be read`);
    const files = { solr: 'consumer:a:b\n', mongodb: 'admin:c\n', key: 'ab\ncd\n', users: 'admin:c\nproducer:d\n', 'ca.crt': 'PEM' };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const read = readConfiguration(write(content));
    expect(read.solr).to.deep.equal({ credentials: { user: 'consumer', password: 'a:b' }, authority: 'PEM' });
    const users = [{ user: 'admin', password: 'c' }, { user: 'producer', password: 'd' }];
    expect(read.mongodb).to.deep.equal({ credentials: users[0], key: 'abcd', users });
    writeFileSync(join(folder, 'mongodb'), 'no password\n');
    expect(() => readConfiguration(write(content))).to.throw(ConfigurationError, `${join(folder, 'mongodb')} does not hold user:password`);
    expect(() => readConfiguration(write({ ...content, solr: { key: 'key' } }))).to.throw(ConfigurationError, 'key');
  });

  it('is found by RESILOG_CONFIG, else in var/ of the checkout', () => {
    expect(findConfiguration({ RESILOG_CONFIG: '/etc/resilog.json' }, folder)).to.equal('/etc/resilog.json');
    expect(() => findConfiguration({}, folder)).to.throw(ConfigurationError, 'no cluster is configured');
  });

  it('writes and reads addresses of both kinds', () => {
    expect(formatAddress('::1', 80)).to.equal('[::1]:80');
    expect(formatAddress('host', 80)).to.equal('host:80');
    expect(() => parseAddress('::1:80')).to.throw(ConfigurationError);
    expect(() => parseAddress('[::1]:99999')).to.throw(ConfigurationError);
  });
});
