import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { checkout } from '../../support/checkout';

type Profile = Readonly<Record<string, Readonly<Record<string, string>>>>;

const RELEASE = {
  common: '/release/instance-common.cfg', templates: '/release/templates', program: '/release/program/bin/resilog',
  java: '/release/java', zookeeper: '/release/zookeeper', mongodb: '/release/mongodb', solr: '/release/solr',
};
const HOST = 'fd46::5';
const INCARNATION = '5f0c';
const ACCESS = { admin: 'admin:x', producer: 'producer:x', consumer: 'consumer:x', launcher: 'launcher:x' };
const CREDENTIALS = Object.fromEntries(['zookeeper', 'mongodb', 'mongodb-key', 'solr', 'solr-zookeeper'].map((name) => [name, `launcher:${'0'.repeat(64)}`]));
const MEMBER = { id: 1, host: HOST, port: 12_001, 'peer-port': 12_011, 'election-port': 12_021 };
/** Parameters that no service has to be restarted for, with other values than `server` gives. */
const LEARNED = {
  peers: 3, zookeeper: ['[fd46::5]:12001', '[fd46::6]:12002'], members: [MEMBER, { ...MEMBER, id: 2 }],
  version: '100000005', 'former-incarnation': INCARNATION,
};

let renderer: ChildProcess | undefined;
let answers: AsyncIterator<string> | undefined;

/** One Python for all: it takes longer to start than to render. */
async function render(template: string, context: Readonly<Record<string, unknown>>): Promise<Profile> {
  if (renderer === undefined || answers === undefined) {
    renderer = spawn(join(checkout, 'venv', 'bin', 'python'), [join(__dirname, 'render.py')],
      { stdio: ['pipe', 'pipe', 'inherit'] });
    if (renderer.stdout === null) throw new Error('the renderer has no output');
    answers = createInterface(renderer.stdout)[Symbol.asyncIterator]();
  }
  const request = { template: `templates/instance-${template}.cfg.in`, context: { ...RELEASE, ...context } };
  renderer.stdin?.write(`${JSON.stringify(request)}\n`);
  const answer = JSON.parse(String((await answers.next()).value)) as { profile?: Profile; problem?: string };
  if (answer.profile === undefined) throw new Error(answer.problem);
  return answer.profile;
}

after(() => { renderer?.stdin?.end(); });

const partsOf = (profile: Profile): string[] => (profile.buildout?.parts ?? '').split('\n').filter(Boolean);

function server(kind: string, more: Readonly<Record<string, unknown>> = {}): Promise<Profile> {
  return render(kind, {
    ipv6_set: [HOST], incarnation: INCARNATION,
    parameters: {
      name: `${kind}-1`, port: 12_001, chroot: '/resilog', credentials: CREDENTIALS, access: ACCESS,
      authorities: { mongodb: 'PEM', solr: 'PEM' }, certificate: 'PEM',
      zookeeper: ['[fd46::5]:12001'], heap: '128m', 'java-options': '', 'replica-set': 'rs0', 'cache-gigabytes': 0.25,
      id: 1, members: [MEMBER], version: '', 'super-digest': 'super:x', 'former-incarnation': '', ...more,
    },
  });
}

describe('profiles of the SlapOS instances', function () {
  this.timeout(60_000);

  it('ask for a turn to restart for all parameters but those that are learned without', () => {
    const common = readFileSync(join(checkout, 'templates', 'instance-common.cfg.in'), 'utf8');
    expect(/^learned = (.*)$/m.exec(common)?.[1]?.split(' ').sort()).to.deep.equal(Object.keys(LEARNED).sort());
  });

  for (const kind of ['zookeeper', 'mongodb', 'solr', 'producer', 'consumer']) {
    it(`${kind}: runs one service on the partition's address and publishes it`, async () => {
      const profile = await server(kind);
      expect(partsOf(profile)).to.include.members(['publish', kind, 'rotate-logs', `promise-${kind}`]);
      expect(profile.publish).to.include({ host: HOST, address: '[fd46::5]:12001' });
      expect(profile[kind]?.['command-line']).to.equal('/bin/sh /release/templates/keep-running.sh'
        + ` --log \${directory:log}/${kind}-output.log \${run:output}`);
    });

    it(`${kind}: only publishes its address while the ensemble is not known`, async () => {
      const profile = await server(kind, { zookeeper: [], members: [] });
      expect(partsOf(profile)).to.include('publish').and.not.include(kind);
    });

    it(`${kind}: has its password in a file of its own and nowhere else`, async () => {
      const profile = await server(kind);
      expect(JSON.stringify(profile)).not.to.include('0'.repeat(64));
      for (const name of ['credentials', ...(kind === 'mongodb' ? ['mongodb-key'] : []),
        ...(kind === 'solr' ? ['solr-zookeeper', 'zookeeper-digest'] : [])]) {
        expect(profile[name]?.['context']).to.equal('key credentials slap-configuration:configuration.credentials');
        expect(profile[name]?.['<']).to.equal('secret-base');
      }
    });
  }

  for (const kind of ['zookeeper', 'mongodb', 'solr']) {
    it(`${kind}: starts through the launcher, which keeps its presence`, async () => {
      const profile = await server(kind);
      const launch = /^raw launch (.*)$/m.exec(profile.run?.context ?? '')?.[1] ?? '';
      expect(launch).to.match(/^'\/release\/program\/bin\/resilog' --config '\$\{launcher.json:output\}' launch --kind \w+ /);
      expect(launch).to.include(`--member ${kind}-1 --address '[fd46::5]:12001'`).and.match(/ --$/);
    });
  }

  for (const kind of ['mongodb', 'solr']) {
    it(`${kind}: publishes its key, and starts once it was given a certificate`, async () => {
      const waiting = await server(kind, { certificate: '' });
      expect(waiting.publish).to.include({ 'public-key': '${server-key:public}' });
      expect(partsOf(waiting)).not.to.include(kind);
      const profile = await server(kind);
      expect(partsOf(profile)).to.include('promise-certificate');
      expect(profile.run?.context).to.include('raw tls_key ${server-key:file}')
        .and.include('raw tls_certificate ${server-certificate:output}')
        .and.include(`raw tls_authority \${${kind}-authority:output}`);
      expect(profile[kind]?.['hash-files']).to.include('${server-certificate:output}').and.include('${credentials:output}');
    });
  }

  it('producer, consumer: prove themselves to servers of the cluster, and know their authority', async () => {
    const mongodb = 'json mongodb_access {"authority": "${mongodb-authority:output}", "credentials": "${mongodb-credentials:output}"}';
    const solr = 'json solr_access {"authority": "${solr-authority:output}", "credentials": "${solr-credentials:output}"}';
    expect((await server('producer'))['process.json']?.context).to.include(mongodb).and.not.include('solr');
    expect((await server('consumer'))['process.json']?.context).to.include(mongodb).and.include(solr);
  });

  it('producer, consumer: start anew when a password or an authority is another', async () => {
    const files = ['mongodb-credentials', 'mongodb-authority', 'solr-credentials', 'solr-authority'].map((name) => `\${${name}:output}`);
    for (const file of files.slice(0, 2)) expect((await server('producer')).producer?.['hash-files']).to.include(file);
    for (const file of files) expect((await server('consumer')).consumer?.['hash-files']).to.include(file);
  });

  it('consumer: needs neither for servers that are there already and ask for nothing', async () => {
    const profile = await server('consumer', { credentials: { zookeeper: 'consumer:x' }, authorities: {} });
    expect(profile['process.json']?.context).to.include('json mongodb_access {}').and.include('json solr_access {}');
    expect(profile.consumer?.['hash-files']).not.to.include('mongodb');
  });

  it('zookeeper: does not start in a partition that the ensemble does not know', async () => {
    const moved = await server('zookeeper', { members: [{ ...MEMBER, host: 'fd46::6' }] });
    expect(partsOf(moved)).not.to.include('zookeeper');
  });

  it('zookeeper: follows an ensemble that it is not part of, as one who can not make one of its own', async () => {
    const joining = await server('zookeeper', { members: [{ ...MEMBER, id: 2, host: 'fd46::6' }], version: '100000007' });
    expect(partsOf(joining)).to.include('zookeeper');
    expect(joining.ensemble?.context).to.include('"role": "observer"').and.include('raw version 100000007');
  });

  for (const kind of ['zookeeper', 'mongodb']) {
    it(`${kind}: does not start over empty data while others count on those that are gone`, async () => {
      const lost = await server(kind, { 'former-incarnation': 'another' });
      expect(partsOf(lost)).not.to.include(kind);
      expect(lost.publish).to.include({ incarnation: INCARNATION });
      expect(partsOf(await server(kind, { 'former-incarnation': INCARNATION }))).to.include(kind);
    });
  }

  for (const [kind, file] of [['zookeeper', 'launcher'], ['mongodb', 'launcher'], ['solr', 'launcher'],
    ['producer', 'process'], ['consumer', 'process']] as const) {
    it(`${kind}: is not started anew because members of ZooKeeper come and go`, async () => {
      const profile = await server(kind);
      const more = await server(kind, LEARNED);
      const hashed = (profile[kind]?.['hash-files'] ?? '').split('\n').filter(Boolean).map((line) => line.slice(2).split(':')[0] ?? '');
      expect(hashed).to.include(`${file}-fixed.json`);
      for (const name of hashed) expect(more[name], name).to.deep.equal(profile[name]);
      expect(more[`${file}.json`]).not.to.deep.equal(profile[`${file}.json`]);
    });
  }
});

const TIER = { 'base-port': 12_000, sla: {} };
const CLUSTER = {
  zookeeper: { ...TIER, count: 1, heap: '128m', 'java-options': '' },
  mongodb: { ...TIER, 'base-port': 12_030, count: 1, 'cache-gigabytes': 0.25 },
  solr: { ...TIER, 'base-port': 12_040, count: 1, heap: '512m', 'java-options': '', shards: 1, replicas: 1 },
  producer: { ...TIER, 'base-port': 12_050, count: 1 },
  consumer: { ...TIER, 'base-port': 12_070, count: 1 },
  chroot: '/resilog', 'admin-secret': '', 'external-zookeeper': [], 'external-mongodb': '', 'external-solr': [],
  'external-authority': '',
};
const HOSTS = Object.fromEntries(['zookeeper', 'mongodb', 'solr', 'producer', 'consumer'].map((kind) => [`${kind}-1`, HOST]));
const KEYS = { 'mongodb-1': 'KEY', 'solr-1': 'KEY' };
const FORMER = { hosts: HOSTS, 'public-keys': KEYS };

const root = (parameters: unknown, former: unknown, takingPart: unknown = {}): Promise<Profile> =>
  render('default', { ipv6_set: [HOST], computer_id: 'local', parameters, former, taking_part: takingPart });

describe('profile of the cluster\'s root', function () {
  this.timeout(60_000);

  it('requests one of each at first, and waits for what they publish', async () => {
    const profile = await root(CLUSTER, {});
    for (const kind of ['zookeeper', 'mongodb', 'solr', 'producer', 'consumer']) {
      expect(profile[`request-${kind}-1`]).to.include({ name: `${kind}-1` });
    }
    expect(profile['request-zookeeper-base']?.['config-members']).to.equal('!py![]');
    expect(partsOf(profile)).not.to.include('initialise');
    expect(profile.gathered?.init).to.include("waiting = ['zookeeper-1', 'mongodb-1', 'solr-1', 'producer-1'");
  });

  it('tells the ensemble to all once it is complete, and initialises', async () => {
    const profile = await root(CLUSTER, FORMER);
    expect(profile['request-zookeeper-base']?.['config-members']).to.include("'host': 'fd46::5'").and.include("'port': 12001");
    expect(profile['request-solr-base']?.['config-zookeeper']).to.equal("!py!['[fd46::5]:12001']");
    expect(partsOf(profile)).to.include('initialise');
    expect(profile['initialise-script']?.context).to.include(
      'raw mongodb_url mongodb://[fd46::5]:12031/?replicaSet=rs0&w=majority&journal=true');
    expect(profile.publish).to.include({ zookeeper: '[fd46::5]:12001', 'fault-tolerant': '!py!False' });
    expect(profile.publish?.remark).to.include('Not fault tolerant: 1 zookeeper');
  });

  it('keeps the former ensemble in force while a new one is not complete', async () => {
    const three = { ...CLUSTER, zookeeper: { ...CLUSTER.zookeeper, count: 3 } };
    const profile = await root(three, { ...FORMER, 'zookeeper-members': [MEMBER] });
    expect(profile['request-zookeeper-base']?.['config-members']).to.include("'id': 1").and.not.include("'id': 2");
    expect(profile).to.include.keys('request-zookeeper-3');
  });

  it('gives members other numbers never, and takes back those that are too many', async () => {
    const fewer = await root(CLUSTER, { ...FORMER, counts: { consumer: 3 } });
    expect(fewer['request-consumer-1']).not.to.have.property('state');
    expect(fewer['request-consumer-3']).to.include({ name: 'consumer-3', state: 'destroyed' });
  });

  const ENSEMBLE = {
    version: '100000000', servers: [{ id: 1, host: HOST, port: 12_001, peerPort: 12_011, electionPort: 12_021 }],
  };
  const tookPart = (tier: string, ...names: string[]) => ({
    [tier]: { wanted: names, members: Object.fromEntries(names.map((name) => [name, 'a'])), ensemble: ENSEMBLE },
  });

  it('tells the ensemble that its members have agreed upon, whoever else is there', async () => {
    const three = { ...CLUSTER, zookeeper: { ...CLUSTER.zookeeper, count: 3 } };
    const hosts = { ...HOSTS, 'zookeeper-2': HOST, 'zookeeper-3': HOST };
    const profile = await root(three, { hosts, 'zookeeper-members': [MEMBER] }, tookPart('zookeeper', 'zookeeper-1'));
    expect(profile['request-zookeeper-base']?.['config-members']).to.include("'id': 1").and.not.include("'id': 2");
    expect(profile['request-zookeeper-base']).to.include({ 'config-version': "!py!'100000000'" });
    expect(profile['request-zookeeper-1']).to.include({ 'config-former-incarnation': 'a' });
    expect(profile['request-zookeeper-2']).to.include({ 'config-former-incarnation': '' });
    expect(profile['members.json']?.context).to.include('"name": "zookeeper-3"');
  });

  for (const tier of ['zookeeper', 'mongodb', 'solr']) {
    it(`${tier}: keeps who is too many until none of them takes part any more`, async () => {
      const former = { ...FORMER, counts: { [tier]: 3 } };
      const names = [1, 2, 3].map((index) => `${tier}-${index}`);
      const partOf = async (...taking: string[]): Promise<Profile> => root(CLUSTER, former, tookPart(tier, ...taking));
      for (const taking of [names, names.slice(0, 2)]) {
        const profile = await partOf(...taking);
        for (const name of names) expect(profile[`request-${name}`], name).not.to.have.property('state');
        expect(profile['told.json']?.context).to.include(`"${tier}-2"`);
      }
      const gone = await partOf(`${tier}-1`);
      expect(gone[`request-${tier}-1`]).not.to.have.property('state');
      for (const name of names.slice(1)) expect(gone[`request-${name}`]).to.include({ state: 'destroyed' });
      const unknown = await root(CLUSTER, former, {});
      expect(unknown[`request-${tier}-3`]).not.to.have.property('state');
    });
  }

  it('wants a member that has published nothing yet, and does not say where it is', async () => {
    const three = { ...CLUSTER, mongodb: { ...CLUSTER.mongodb, count: 3 } };
    const incarnations = { 'mongodb-1': 'a' };
    const profile = await root(three, { ...FORMER, incarnations }, tookPart('mongodb', 'mongodb-1'));
    expect(partsOf(profile)).to.include('initialise');
    expect(profile['members.json']?.context).to.include(
      '{"address": "[fd46::5]:12031", "incarnation": "a", "name": "mongodb-1"}, {"name": "mongodb-2"}');
  });

  it('gives producers and consumers their own password, servers that of launchers', async () => {
    const profile = await root(CLUSTER, FORMER);
    expect(profile['request-producer-base']).to.include({ 'config-credentials': '${roles:producer}' });
    expect(profile['request-solr-base']).to.include({
      'config-credentials': '${roles:solr}', 'config-security': '${roles:security}',
    });
    expect(profile['request-zookeeper-base']).to.include({ 'config-credentials': '${roles:zookeeper}' })
      .and.not.include.keys('config-authorities', 'config-security');
    expect(profile['request-mongodb-base']).to.include({ 'config-credentials': '${roles:mongodb}' });
  });

  it('issues certificates for the keys and addresses that servers published, and passes them on', async () => {
    const first = await root(CLUSTER, { hosts: HOSTS });
    expect(first.certificates?.members).to.equal('!py![]');
    expect(first['request-mongodb-1']).not.to.have.property('config-certificate');
    expect(first['request-solr-base']).to.include({ return: 'host public-key' });
    expect(first['request-mongodb-1']).to.include({ return: 'host incarnation public-key' });
    const profile = await root(CLUSTER, FORMER);
    expect(profile.certificates?.members).to.include("{'name': 'mongodb-1', 'address': 'fd46::5', 'publicKey': 'KEY', 'renewDays': 63}")
      .and.include("{'name': 'solr-1', 'address': 'fd46::5', 'publicKey': 'KEY', 'renewDays': 66}");
    expect(profile['request-mongodb-1']).to.include({ 'config-certificate': '${certificates:mongodb-1}' });
    expect(profile['request-solr-1']).to.include({ 'config-certificate': '${certificates:solr-1}' });
    expect(profile['request-consumer-base']).to.include({ 'config-authorities': '${certificates:authorities}' });
    expect(profile['initialise-script']?.context).to.include('&tls=true').and.include('["https://[fd46::5]:12041/solr"]');
  });

  for (const tier of ['mongodb', 'solr']) {
    it(`${tier}: leaves those that are to leave their certificates until they have left`, async () => {
      const name = `${tier}-2`;
      const former = {
        hosts: { ...HOSTS, [name]: HOST }, 'public-keys': { ...KEYS, [name]: 'OTHER' }, counts: { [tier]: 2 },
      };
      const leaving = await root(CLUSTER, former, tookPart(tier, `${tier}-1`, name));
      expect(leaving[`request-${name}`]).to.include({ 'config-certificate': `\${certificates:${name}}` });
      expect(leaving.certificates?.members).to.include(`{'name': '${name}', 'address': 'fd46::5', 'publicKey': 'OTHER'`);
      // The next run finds its address and key published still.
      expect(leaving.gathered?.names?.split(' ')).to.include(name);
      const left = await root(CLUSTER, former, tookPart(tier, `${tier}-1`));
      expect(left[`request-${name}`]).to.include({ state: 'destroyed' }).and.not.include.keys('config-certificate');
      expect(left.gathered?.names?.split(' ')).not.to.include(name);
    });
  }

  it('trusts the authority that is named for servers that are there already, and makes none for them', async () => {
    const external = { 'external-mongodb': 'mongodb://[fd46::9]/?replicaSet=a', 'external-solr': ['https://[fd46::9]:8983/solr'] };
    const known = await root({ ...CLUSTER, ...external }, FORMER);
    expect(known.certificates).to.include({ own: '!py![]', trusted: '!py![]', members: '!py![]' });
    expect(known['resilog.json']?.context).to.include('json mongodb_access {}').and.include('json solr_access {}');
    const named = await root({ ...CLUSTER, ...external, 'external-authority': 'PEM' }, FORMER);
    expect(named.certificates).to.include({ own: '!py![]', trusted: "!py!['mongodb', 'solr']" });
    expect(named['resilog.json']?.context).to.include('json mongodb_access {"authority": "${mongodb-authority:output}"}');
  });

  it('has the secret of the cluster that is restored, if one is given, but not its text', async () => {
    const secret = 'S'.repeat(43);
    const restored = await root({ ...CLUSTER, 'admin-secret': secret }, FORMER);
    expect(restored.secret?.init).to.include("['configuration.admin-secret']");
    expect(JSON.stringify(restored)).not.to.include(secret);
    expect((await root(CLUSTER, FORMER)).secret).to.include({ recipe: 'slapos.cookbook:generate.password' });
  });

  it('puts members where it is itself unless told otherwise', async () => {
    const profile = await root({ ...CLUSTER, solr: { ...CLUSTER.solr, sla: { computer_guid: 'other' } } }, FORMER);
    expect(profile['request-zookeeper-base']).to.include({ 'sla-computer_guid': 'local' });
    expect(profile['request-solr-base']).to.include({ 'sla-computer_guid': 'other' });
  });

  it('requests no member of a tier that is there already', async () => {
    const profile = await root({
      ...CLUSTER, 'external-zookeeper': ['[fd46::9]:2181'], 'external-mongodb': 'mongodb://[fd46::9]/?replicaSet=a',
      'external-solr': ['http://[fd46::9]:8983/solr'],
    }, { hosts: { 'producer-1': HOST, 'consumer-1': HOST } });
    expect(profile).not.to.include.keys('request-zookeeper-1', 'request-mongodb-1', 'request-solr-1');
    expect(profile['request-producer-base']?.['config-zookeeper']).to.equal("!py!['[fd46::9]:2181']");
    expect(profile['initialise-script']?.context).to.include('raw mongodb_url mongodb://[fd46::9]/?replicaSet=a');
  });

  it('takes passwords out of the addresses of servers that are there already', async () => {
    const profile = await root({
      ...CLUSTER, 'external-mongodb': 'mongodb://logs:s%40cret@[fd46::9]/?replicaSet=a',
      'external-solr': ['https://logs:s%40cret@[fd46::9]:8983/solr', 'https://[fd46::8]:8983/solr'],
    }, FORMER);
    expect(JSON.stringify(profile)).not.to.include('s%40cret');
    expect(profile['initialise-script']?.context).to.include('raw mongodb_url mongodb://[fd46::9]/?replicaSet=a');
    expect(profile['resilog.json']?.context).to.include('json mongodb_access {"credentials": "${mongodb-credentials:output}"}');
    expect(profile['initialise-script']?.context).to.include('json solr_urls ["https://[fd46::9]:8983/solr", "https://[fd46::8]:8983/solr"]');
    expect(profile['resilog.json']?.context).to.include('json solr_access {"credentials": "${solr-credentials:output}"}');
  });
});
