import { expect } from 'chai';
import { RequestedCluster, parametersFrom } from './support/cluster';
import { IsolatedNode } from './support/isolated-node';
import { sharedNode } from './support/shared-node';

const PARTITIONS = 10;
const BASE_PORT = 12_000;
const LINES = 2_000;

// Users and network namespaces belong to root; for other users there is nothing to define here.
if (process.getuid?.() === 0) {
  describe('SlapOS: partitions with users and addresses of their own', function () {
    this.timeout(1_800_000);
    let node: IsolatedNode;
    let cluster: RequestedCluster;

    const used = (): number[] => node.usedPartitions().map((name) => Number(name.replace('slappart', '')));

    before(async () => {
      node = await IsolatedNode.over(await sharedNode(), PARTITIONS);
      cluster = new RequestedCluster(node, 'apart', parametersFrom(BASE_PORT, { zookeeper: 3 }));
      await cluster.start();
    });

    after(async () => { await node.remove(); });

    it('publish addresses of their own', async () => {
      const { hosts } = cluster.published;
      expect(new Set(Object.values(hosts)).size).to.equal(Object.keys(hosts).length);
      for (const [member, host] of Object.entries(hosts)) {
        expect(host, member).to.equal(node.addressOf(Number(cluster.partitionOf(member).replace('slappart', ''))));
      }
    });

    it('take lines and find them', async () => {
      await cluster.addSource('apart');
      const url = cluster.published['intake-urls'][0] ?? '';
      const certificate = `${node.partition(cluster.partitionOf('producer-1'))}/srv/producer/producer.crt`;
      const key = await cluster.addSource('posted');
      const { code, stdout, stderr } = await node.run('sh', ['-c', `seq -f 'apart line %g' ${LINES} | curl --silent --show-error --cacert ${
        certificate} --data-binary @- --write-out '%{http_code}' --output /dev/null ${url}/${key}`]);
      expect(stdout, stderr).to.equal('200');
      expect(code).to.equal(0);
      expect(await cluster.countLines('posted')).to.equal(LINES);
    });

    it('run nothing as root: only SlapOS itself does', () => {
      const processes = [...node.processes().values()];
      for (const { command } of processes.filter(({ uid }) => uid === 0)) {
        expect(command).to.match(/supervisord |slapos proxy start/).and.not.include('/inst/slappart');
      }
      const users = new Set(processes.map(({ uid }) => uid));
      for (const index of used().slice(1)) expect(users, node.userOf(index)).to.include(node.uidOf(index));
    });

    it('listen on their own address, and on no wildcard, no 127.0.0.1, nobody else\'s address', async () => {
      const found = await node.listening();
      const own = new Map(used().map((index) => [hexadecimal(node.addressOf(index)), node.uidOf(index)]));
      const ofPartitions = found.filter(({ uid }) => node.isPartitionUser(uid));
      for (const { address, port, uid } of ofPartitions) expect(own.get(address), `port ${port}`).to.equal(uid);
      // Three ZooKeepers with three ports each at most, mongod, Solr, producer, consumer.
      expect(ofPartitions.length).to.be.at.least(3 * 2 + 4);
      expect(found.filter(({ uid }) => uid === 0).map(({ address }) => address)).to.deep.equal(['0100007F']);
    });

    it('show no file to another partition\'s user', async () => {
      for (const index of used()) {
        const folder = node.partition(`slappart${index}`);
        const other = used().find((candidate) => candidate !== index) ?? 0;
        const seen = await node.runAs(other, 'find', [folder, '-mindepth', '1', '-print', '-quit']);
        expect(seen.stdout, folder).to.equal('');
        expect(seen.stderr, folder).to.include('Permission denied');
        const named = await node.runAs(other, 'cat', [`${folder}/buildout.cfg`, `${folder}/etc/secret/credentials`]);
        expect(named.stdout, folder).to.equal('');
        expect((await node.runAs(index, 'cat', [`${folder}/etc/secret/credentials`])).stdout).not.to.equal('');
      }
    });

    it('leave nothing when they are destroyed', async () => {
      await cluster.destroy();
      expect([...node.services().values()]).to.deep.equal([]);
      expect((await node.listening()).filter(({ uid }) => node.isPartitionUser(uid))).to.deep.equal([]);
    });
  });
}

/** An IPv6 address as /proc/net/tcp6 has it: four words in the machine's byte order. */
function hexadecimal(address: string): string {
  const [head = '', tail = ''] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  const bytes = Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
  for (let offset = 0; offset < bytes.length; offset += 4) bytes.subarray(offset, offset + 4).reverse();
  return bytes.toString('hex').toUpperCase();
}
