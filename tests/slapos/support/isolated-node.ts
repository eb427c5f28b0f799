import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run, type Run } from '../../support/checkout';
import type { Account } from './account';
import { SlaposNode, mustWork } from './slapos-node';

const PROXY_PORT = 5_000;

export interface Socket {
  /** As the kernel writes it, in 32 hexadecimal digits or 8. */
  readonly address: string;
  readonly port: number;
  readonly uid: number;
}

/**
 * A node as SlapOS sets up a computer: slapgrid and supervisord are root's, each partition has a user and an address of
 * its own. All of it is in a network namespace that has the partitions' addresses and nothing else. The release is that
 * which another node has built. Needs root.
 */
export class IsolatedNode extends SlaposNode {
  private readonly users: string[] = [];
  private readonly uids = new Set<number>();
  private namespace = '';
  private prefix = '';

  static async over(built: SlaposNode, partitions: number): Promise<IsolatedNode> {
    const id = randomBytes(3).toString('hex');
    const namespace = `resilog-${id}`;
    const folder = mkdtempSync('/tmp/rs-');
    const venv = join(built.folder, 'venv');
    const node = new IsolatedNode(rootIn(namespace), folder, PROXY_PORT, built.releaseUrl, venv);
    node.namespace = namespace;
    node.prefix = `fd46:${id.slice(0, 4)}:${id.slice(4)}00:1`;
    try {
      await node.makeNetwork(partitions);
      await node.format(built, id, partitions);
      node.serve(built);
      return node;
    } catch (error) {
      await node.remove();
      throw error;
    }
  }

  /** Address of the partition with this index, as SlapOS gives it. */
  addressOf(index: number): string {
    return `${this.prefix}::${(index + 2).toString(16)}`;
  }

  userOf(index: number): string {
    return this.users[index] ?? '';
  }

  isPartitionUser(uid: number): boolean {
    return this.uids.has(uid);
  }

  uidOf(index: number): number {
    return statSync(this.partition(`slappart${index}`)).uid;
  }

  /** Runs a program as the user of a partition, in the node's network. */
  runAs(index: number, program: string, args: readonly string[]): Promise<Run> {
    return this.run('/usr/bin/setpriv', [`--reuid=${this.userOf(index)}`, `--regid=${this.userOf(index)}`, '--init-groups',
      program, ...args]);
  }

  /** User and command line of every process in the namespace, by process id. */
  processes(): Map<number, { readonly uid: number; readonly command: string }> {
    const own = statSync(`/run/netns/${this.namespace}`, { throwIfNoEntry: false })?.ino;
    if (own === undefined) return new Map();
    return new Map(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
      try {
        if (readlinkSync(`/proc/${name}/ns/net`) !== `net:[${own}]`) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        // A zombie has none.
        return command === '' ? [] : [[Number(name), { uid: statSync(`/proc/${name}`).uid, command }] as const];
      } catch {
        return [];
      }
    }));
  }

  override services(): Map<number, string> {
    const ofPartitions = [...this.processes()].filter(([, { uid }]) => this.isPartitionUser(uid));
    return new Map(ofPartitions.map(([pid, { command }]) => [pid, command]));
  }

  /** What listens in the namespace, from the kernel's tables. */
  async listening(): Promise<Socket[]> {
    const tables = await this.run('cat', ['/proc/net/tcp', '/proc/net/tcp6']);
    return tables.stdout.split('\n').map((line) => line.trim().split(/\s+/)).filter((fields) => fields[3] === '0A')
      .map((fields) => {
        const [address = '', port = ''] = (fields[1] ?? '').split(':');
        return { address, port: parseInt(port, 16), uid: Number(fields[7]) };
      });
  }

  override async remove(): Promise<void> {
    await this.run(join(this.venv, 'bin', 'python'), [
      join(this.venv, '..', 'node.py'), 'stop', join(this.folder, 'b'), String(PROXY_PORT)]);
    for (const pid of this.processes().keys()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    await run('ip', ['netns', 'delete', this.namespace]);
    for (const user of this.users) await run('userdel', [user]);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  private async format(built: SlaposNode, id: string, partitions: number): Promise<void> {
    mkdirSync(join(this.folder, 'home'));
    const [own, releases] = [join(this.folder, 'b'), join(built.folder, 'b', 'soft')];
    await mustWork(this.run(join(this.venv, 'bin', 'python'), [join(built.folder, 'node.py'), 'start', own,
      String(PROXY_PORT), String(partitions), `${this.prefix}::/64`, releases]));
    // Partitions' users find their folders, and read the release and the node's Python.
    const passed = [this.folder, own, join(own, 'inst'), built.folder, join(built.folder, 'b')];
    for (const path of passed) chmodSync(path, 0o755);
    await mustWork(run('chmod', ['-R', 'o+rX', releases]));
    await this.makeUsers(id, partitions);
  }

  /** A request fetches the release's schemas from its address: served in this network too, by the other node's user. */
  private serve(built: SlaposNode): void {
    const { host, port } = addressIn(built.releaseUrl);
    const child = spawn('ip', ['netns', 'exec', this.namespace, 'setpriv', `--reuid=${built.user.uid}`,
      `--regid=${built.user.gid}`, '--clear-groups', join(this.venv, 'bin', 'python'), '-m', 'http.server', '--bind', host, port],
    { cwd: join(built.folder, 'release'), stdio: 'ignore', detached: true });
    child.unref();
  }

  private async makeNetwork(partitions: number): Promise<void> {
    await mustWork(run('ip', ['netns', 'add', this.namespace]));
    await mustWork(run('ip', ['-n', this.namespace, 'link', 'set', 'lo', 'up']));
    for (let index = 0; index < partitions; index += 1) {
      await mustWork(run('ip', ['-n', this.namespace, 'address', 'add', `${this.addressOf(index)}/128`, 'dev', 'lo', 'nodad']));
    }
  }

  private async makeUsers(id: string, partitions: number): Promise<void> {
    for (let index = 0; index < partitions; index += 1) {
      const user = `rs${id}-slapuser${index}`;
      await mustWork(run('useradd', ['--no-create-home', '--user-group', '--home-dir', this.partition(`slappart${index}`),
        '--shell', '/bin/sh', user]));
      this.users.push(user);
      const number = async (flag: string): Promise<number> => Number((await run('id', [flag, user])).stdout);
      const [uid, gid] = [await number('-u'), await number('-g')];
      this.uids.add(uid);
      const partition = this.partition(`slappart${index}`);
      const content = readdirSync(partition).map((name) => join(partition, name));
      for (const path of [partition, ...content]) chownSync(path, uid, gid);
    }
  }
}

function addressIn(url: string): { host: string; port: string } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/[[\]]/g, ''), port };
}

/** Root, whose programs run in the network namespace. */
function rootIn(namespace: string): Account {
  return {
    uid: 0, gid: 0, name: 'root',
    run: (program, args, { cwd, home, path }) => run('ip', ['netns', 'exec', namespace, program, ...args], {
      cwd, environment: { HOME: home, ...(path === undefined ? {} : { PATH: path }) },
    }),
    start: () => { throw new Error('nothing is started apart from slapgrid'); },
    remove: () => Promise.resolve(),
  };
}
