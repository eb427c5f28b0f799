import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestIdentity } from '../../../src/registry/access';
import type { WantedZooKeeper } from '../../../src/process/members/plan';
import { formatServer } from '../../../src/registry/zookeeper-ensemble';
import { serverOf } from '../../../src/process/members/zookeeper-steps';
import { checkout } from '../../support/checkout';
import { freeBasePort } from '../../support/free-ports';

/** Members of an ensemble of a test's own, started the way that the SlapOS release starts them. */
export class ZooKeepers {
  readonly superuser = `super:${'5'.repeat(64)}`;
  private readonly running = new Map<number, ChildProcess>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'resilog-members-'));
  private next = 0;

  private constructor(private readonly base: number) {}

  static async open(): Promise<ZooKeepers> {
    return new ZooKeepers(await freeBasePort());
  }

  /** A member at ports of its own, which has not started. */
  member(id: number, incarnation = 'a'): WantedZooKeeper {
    this.next += 1;
    const port = this.base + this.next;
    return { name: `zookeeper-${id}`, id, host: '::1', port, peerPort: port + 15, electionPort: port + 30, incarnation };
  }

  /** Starts it over an empty folder; one that is not of the ensemble follows it. */
  start(member: WantedZooKeeper, ensemble: readonly WantedZooKeeper[]): void {
    const data = join(this.folder, `${member.id}-${member.incarnation ?? ''}`);
    mkdirSync(data);
    const joins = !ensemble.includes(member);
    writeFileSync(join(data, 'myid'), String(member.id));
    // Who is to join calls itself an observer, as in templates/instance-zookeeper.cfg.in.
    const servers = [...ensemble.map((one) => formatServer(serverOf(one))),
      ...(joins ? [formatServer(serverOf(member)).replace(':participant;', ':observer;')] : [])];
    writeFileSync(join(data, 'zoo.cfg.dynamic'), `${servers.join('\n')}\n`);
    writeFileSync(join(data, 'zoo.cfg'), [
      `dataDir=${data}`, 'tickTime=500', 'initLimit=10', 'syncLimit=5', 'minSessionTimeout=2000', 'admin.enableServer=false',
      '4lw.commands.whitelist=srvr', 'standaloneEnabled=false', 'quorumListenOnAllIPs=false', 'reconfigEnabled=true',
      `DigestAuthenticationProvider.superDigest=${digestIdentity(this.superuser)}`,
      `dynamicConfigFile=${join(data, 'zoo.cfg.dynamic')}`, '',
    ].join('\n'));
    this.running.set(member.id, spawn(join(checkout, 'parts', 'java', 'bin', 'java'), [
      '-Xmx64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.net.preferIPv6Addresses=true',
      '-Dzookeeper.jmx.log4j.disable=true', '-cp', `${data}:${join(checkout, 'parts', 'zookeeper', 'lib', '*')}`,
      'org.apache.zookeeper.server.quorum.QuorumPeerMain', join(data, 'zoo.cfg'),
    ], { stdio: 'ignore' }));
  }

  async kill(id: number): Promise<void> {
    const child = this.running.get(id);
    this.running.delete(id);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await Promise.all([...this.running.keys()].map((id) => this.kill(id)));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
