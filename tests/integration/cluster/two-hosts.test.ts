import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkout } from '../../support/checkout';
import type { ClusterStatus } from '../../support/cluster';
import { twoHosts, type Network, type NetworkHost } from '../../support/network-namespace';

// Network namespaces belong to root; for other users there is nothing to define here.
if (process.getuid?.() === 0) {
  describe('two hosts with servers', () => {
    let network: Network;
    const folders: string[] = [];

    const tool = (host: NetworkHost, index: number, ...args: string[]): ReturnType<NetworkHost['run']> =>
      host.run(join(checkout, 'venv', 'bin', 'python'), ['cluster', ...args, '--var', folders[index] ?? '']);

    before(async () => {
      network = await twoHosts();
      for (const index of network.hosts.keys()) {
        folders.push(await mkdtemp(join(tmpdir(), `resilog-host-${index}-`)));
      }
    });

    after(async function () {
      this.timeout(300_000);
      await Promise.all(network.hosts.map((host, index) => tool(host, index, 'clean')));
      await network.remove();
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    });

    it('form one ensemble of each kind, without IPv4', async function () {
      this.timeout(300_000);
      const hosts = network.hosts.map((host) => host.address).join(' ');
      const runs = await Promise.all(network.hosts.map((host, index) =>
        tool(host, index, 'up', '--address', host.address, '--hosts', hosts, '--only-servers')));
      for (const { code, stderr } of runs) expect(code, stderr).to.equal(0);
      const second = network.hosts[1];
      if (second === undefined) throw new Error('there is one host only');
      const status = JSON.parse((await tool(second, 1, 'status', '--json')).stdout) as ClusterStatus;
      expect(status.components.map(({ name, state }) => [name, state])).to.deep.equal([
        ['zookeeper-2', 'healthy'], ['mongodb-2', 'healthy'], ['solr-2', 'healthy'],
      ]);
    });

    it('see each other in SolrCloud', async () => {
      const [first, second] = network.hosts;
      if (first === undefined || second === undefined) throw new Error('there is one host only');
      const script = `fetch('http://[${first.address}]:12041/solr/admin/collections?action=CLUSTERSTATUS')
        .then(r => r.json()).then(c => console.log(JSON.stringify(c.cluster.live_nodes.sort())))`;
      const { stdout, stderr } = await second.run(join(checkout, 'parts', 'node', 'bin', 'node'), ['-e', script]);
      expect(stdout, stderr).not.to.equal('');
      expect(JSON.parse(stdout)).to.deep.equal([
        `[${first.address}]:12041_solr`, `[${second.address}]:12041_solr`,
      ]);
    });
  });
}
