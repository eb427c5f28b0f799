import { expect } from 'chai';
import { createHmac, createPublicKey, X509Certificate } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { Authority } from '../../src/authority/authority';
import { systemClock, type Clock } from '../../src/clock';
import { systemRandom } from '../../src/random';
import { RequestedCluster, parametersFrom } from './support/cluster';
import { clusterBasePort } from './support/ports';
import { sharedNode } from './support/shared-node';
import { readText, type SlaposNode } from './support/slapos-node';

type Certificates = Readonly<Record<string, string>>;

const LINES = 1_000;
const DAY_MS = 86_400_000;
/** So long ago that one of 397 days ends in 62: less than before which Solr's is renewed, more than two weeks. */
const AGED_DAYS = 335;

/** Certificates of mongod and Solr, of a cluster of one of each. */
describe('SlapOS: certificates of the servers', function () {
  this.timeout(1_800_000);
  let node: SlaposNode;
  let cluster: RequestedCluster;
  let base = 0;
  let issued: Certificates;

  const path = (member: string, ...names: string[]): string =>
    join(node.partition(cluster.partitionOf(member)), ...names);
  const pid = (member: string): string => readText(path(member, 'etc', 'resilog', 'run.pid'));
  /** What is published of those that were issued. */
  const certificates = async (): Promise<Certificates> => {
    const { 'connection-parameters': published } = await node.info<{ 'server-certificates': Certificates }>('certified');
    return published['server-certificates'];
  };
  /**
   * Members publish, the root learns of it, then it issues and members are told. A run over all does not remember which
   * promises failed: one over what changed would leave the root alone.
   */
  const processed = async (): Promise<void> => {
    for (let pass = 0; pass < 3; pass += 1) await node.instance('--all');
    await cluster.settle();
    await cluster.untilReady();
  };

  before(async () => {
    node = await sharedNode();
    base = await clusterBasePort();
    cluster = new RequestedCluster(node, 'certified', parametersFrom(base));
    await cluster.start();
    const key = await cluster.addSource('web1');
    const lines = Array.from({ length: LINES }, (_, index) => `certified line ${index}\n`);
    expect(await cluster.post(1, key, lines.join(''))).to.equal(200);
    expect(await cluster.countLines('web1')).to.equal(LINES);
    issued = await certificates();
  });

  after(async () => { await cluster.destroy(); });

  it('are those that the root has issued', async () => {
    expect(await shownBy(base + 31)).to.equal(serialOf(issued['mongodb-1']));
    expect(await shownBy(base + 41)).to.equal(serialOf(issued['solr-1']));
  });

  it('are issued anew for another key, and the server starts anew with its own', async () => {
    const [mongod, solr] = [pid('mongodb-1'), pid('solr-1')];
    rmSync(path('mongodb-1', 'srv', 'tls', 'server.key'));
    await processed();
    const now = await certificates();
    expect(now).to.deep.equal({ ...issued, 'mongodb-1': now['mongodb-1'] });
    expect(now['mongodb-1']).not.to.equal(issued['mongodb-1']);
    expect(await shownBy(base + 31)).to.equal(serialOf(now['mongodb-1']));
    expect(pid('mongodb-1')).not.to.equal(mongod);
    expect(pid('solr-1')).to.equal(solr);
    issued = now;
  });

  it('are issued anew before they end, and the server starts anew with the new one', async () => {
    const [mongod, solr] = [pid('mongodb-1'), pid('solr-1')];
    const aged = await agedCertificate(cluster.published['admin-secret'], issued['solr-1'] ?? '');
    await node.republish(/slappart\d+/.exec(cluster.published.command)?.[0] ?? '', { 'server-certificates': { ...issued, 'solr-1': aged } });
    await processed();
    const now = await certificates();
    expect(now).to.deep.equal({ ...issued, 'solr-1': now['solr-1'] });
    expect(now['solr-1']).not.to.be.oneOf([issued['solr-1'], aged]);
    expect(Date.parse(new X509Certificate(now['solr-1'] ?? '').validTo)).to.be.above(Date.now() + 390 * DAY_MS);
    expect(await shownBy(base + 41)).to.equal(serialOf(now['solr-1']));
    expect(pid('solr-1')).not.to.equal(solr);
    expect(pid('mongodb-1')).to.equal(mongod);
  });

  it('change nothing about the lines, and promises pass', async () => {
    expect(await node.promises()).to.deep.equal([]);
    expect(await cluster.countLines('web1')).to.equal(LINES);
  });
});

/** As the cluster's root issued it long ago, for the same key. */
async function agedCertificate(secret: string, certificate: string): Promise<string> {
  const clock: Clock = { ...systemClock, now: () => Date.now() - AGED_DAYS * DAY_MS };
  const authority = await Authority.open({
    secret: createHmac('sha256', secret).update('authority').digest('hex'), clock, random: systemRandom,
  });
  const publicKey = createPublicKey(certificate).export({ type: 'spki', format: 'pem' }).toString();
  return authority.issue({ address: '::1', publicKey, renewDays: 0 }, undefined);
}

function serialOf(certificate: string | undefined): string {
  return new X509Certificate(certificate ?? '').serialNumber;
}

/** Serial number of the certificate that is shown to whoever asks. */
function shownBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '::1', port, rejectUnauthorized: false }, () => {
      const shown: DetailedPeerCertificate = socket.getPeerCertificate(true);
      socket.destroy();
      resolve(shown.serialNumber);
    });
    socket.once('error', reject);
  });
}
