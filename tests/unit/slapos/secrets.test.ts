import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { digestIdentity } from '../../../src/registry/access';
import { derivedSecrets } from '../../support/derived-secrets';

const passwordOf = (credentials: string | undefined): string => credentials?.split(':')[1] ?? '';

describe('what the members of a cluster prove themselves with', () => {
  it('derives from the one secret, and is the same in every run', async () => {
    const one = await derivedSecrets('one');
    expect(await derivedSecrets('one')).to.deep.equal(one);
    const other = await derivedSecrets('other');
    expect(other.options.admin.zookeeper).not.to.equal(one.options.admin.zookeeper);
    expect(other.options.mongodb['mongodb-key']).not.to.equal(one.options.mongodb['mongodb-key']);
  });

  it('is another password for each role and each kind of server', async () => {
    const { options } = await derivedSecrets('one');
    const { admin, producer, consumer, zookeeper, mongodb, solr } = options;
    const passwords = [
      admin.zookeeper, admin.mongodb, admin.solr, producer.zookeeper, producer.mongodb, consumer.zookeeper,
      consumer.mongodb, consumer.solr, zookeeper.zookeeper, mongodb.mongodb, solr.solr, solr['solr-zookeeper'], options.super,
    ].map(passwordOf);
    for (const password of passwords) expect(password).to.match(/^[0-9a-f]{64}$/);
    expect(new Set(passwords).size).to.equal(passwords.length);
  });

  it('is told to who needs it, and kept in no file of slapgrid\'s', async () => {
    const { options, volatile } = await derivedSecrets('one');
    expect(Object.keys(options.zookeeper)).to.deep.equal(['zookeeper']);
    expect(Object.keys(options.producer)).to.have.members(['zookeeper', 'mongodb']);
    expect(Object.keys(options.mongodb)).to.have.members(['zookeeper', 'mongodb', 'mongodb-key']);
    expect(Object.keys(options.solr)).to.have.members(['zookeeper', 'solr', 'solr-zookeeper']);
    expect(options.set.users?.split('\n').map((line) => line.split(':')[0])).to.deep.equal(['admin', 'producer', 'consumer', 'launcher']);
    expect(volatile).to.have.members(['admin', 'producer', 'consumer', 'zookeeper', 'mongodb', 'solr', 'set', 'super']);
    expect(options['super-digest']).to.equal(digestIdentity(options.super));
    expect(Object.keys(options.access)).to.have.members(['admin', 'producer', 'consumer', 'launcher']);
    for (const role of ['admin', 'producer', 'consumer'] as const) {
      expect(options.access[role]).to.equal(digestIdentity(options[role].zookeeper ?? ''));
    }
  });

  it('is known to Solr as salted hashes only', async () => {
    const { options } = await derivedSecrets('one');
    const { authentication } = options.security as {
      authentication: { blockUnknown: boolean; credentials: Record<string, string> };
    };
    expect(authentication.blockUnknown).to.equal(true);
    const [hash, salt = ''] = authentication.credentials.consumer?.split(' ') ?? [];
    const sha256 = (data: Buffer): Buffer => createHash('sha256').update(data).digest();
    const password = Buffer.from(passwordOf(options.consumer.solr));
    expect(hash).to.equal(sha256(sha256(Buffer.concat([Buffer.from(salt, 'base64'), password]))).toString('base64'));
    expect(JSON.stringify(options.security)).not.to.include(password.toString());
  });

  it('is the user of the address for servers that are there already, or nothing', async () => {
    const { options } = await derivedSecrets('one', {
      'external-mongodb': 'mongodb://logs:s%40cret%3A@db.example.org/', 'external-solr': ['https://[::1]:1/solr', 'https://a:b@[::2]:1/solr'],
    });
    expect(options.producer.mongodb).to.equal('logs:s@cret:');
    expect(options.consumer).to.include({ mongodb: 'logs:s@cret:', solr: 'a:b' });
    const open = await derivedSecrets('one', { 'external-mongodb': 'mongodb://db.example.org/', 'external-solr': ['https://[::1]:1/solr'] });
    expect(Object.keys(open.options.consumer)).to.deep.equal(['zookeeper']);
  });
});
