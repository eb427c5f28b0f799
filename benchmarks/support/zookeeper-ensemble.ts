import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkout } from '../../tests/support/checkout';
import { freeBasePort } from '../../tests/support/free-ports';
import { fourLetterWord } from '../../tests/support/zookeeper-session';

const START_MS = 60_000;
const IDS = [1, 2, 3] as const;

export interface Ensemble {
  readonly servers: readonly Server[];
  readonly pids: readonly number[];
  readonly close: () => Promise<void>;
}

interface Server { readonly host: string; readonly port: number }

/** Three members of ZooKeeper on `::1`, as a cluster has them: each has its log on disk before it answers. */
export async function startEnsemble(): Promise<Ensemble> {
  const folder = mkdtempSync(join(tmpdir(), 'resilog-bench-zk-'));
  const base = await freeBasePort();
  const members = IDS.map((id) => startMember(join(folder, String(id)), id, base));
  const servers = IDS.map((id) => ({ host: '::1', port: base + id }));
  const close = async (): Promise<void> => {
    const ended = members.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((member) => once(member, 'exit'));
    for (const member of members) member.kill('SIGKILL');
    await Promise.all(ended);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilServing(servers);
  } catch (error) {
    await close();
    throw error;
  }
  return { servers, pids: members.map(({ pid }) => pid ?? 0), close };
}

function startMember(folder: string, id: number, base: number): ChildProcess {
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'data', 'myid'), `${id}\n`);
  writeFileSync(join(folder, 'zoo.cfg'), [
    `dataDir=${join(folder, 'data')}`, 'clientPortAddress=::1', `clientPort=${base + id}`,
    'tickTime=1000', 'initLimit=10', 'syncLimit=5', 'admin.enableServer=false', '4lw.commands.whitelist=srvr',
    ...IDS.map((peer) => `server.${peer}=[::1]:${base + 10 + peer}:${base + 20 + peer}`), '',
  ].join('\n'));
  return spawn(join(checkout, 'parts', 'java', 'bin', 'java'), [
    '-Xmx512m', '-XX:+UseSerialGC', '-Djava.net.preferIPv6Addresses=true', `-Dzookeeper.log.dir=${folder}`,
    '-cp', `${folder}:${join(checkout, 'parts', 'zookeeper', 'lib', '*')}`,
    'org.apache.zookeeper.server.quorum.QuorumPeerMain', join(folder, 'zoo.cfg'),
  ], { stdio: 'ignore' });
}

async function untilServing(servers: readonly Server[]): Promise<void> {
  const deadlineMs = performance.now() + START_MS;
  for (const server of servers) {
    while (!(await fourLetterWord(server, 'srvr').catch(() => '')).includes('Mode:')) {
      if (performance.now() > deadlineMs) throw new Error(`ZooKeeper on port ${server.port} does not serve`);
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }
}
