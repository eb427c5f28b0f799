import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkout, run, runClusterTool, type Run, type RunOptions } from './checkout';
import { freeBasePort } from './free-ports';
import { workerOf } from './process-tree';

export interface ClusterOptions {
  /** Of each server: 1 or 3. */
  readonly members?: number;
  readonly producers?: number;
  readonly consumers?: number;
  readonly address?: string;
  readonly onlyServers?: boolean;
  /** Options of the cluster tool that the tests of the tool itself want, e.g. `['--solr-heap', '1g']`. */
  readonly extra?: readonly string[];
}

export interface ClusterMember {
  readonly kind: string;
  readonly name: string;
  /** `[::1]:14031` */
  readonly address: string;
  readonly state: 'healthy' | 'unhealthy' | 'restarting' | 'stopped';
  readonly problem: string;
  readonly pid: number | null;
  readonly log: string;
}

export interface ClusterStatus {
  readonly ready: boolean;
  readonly components: readonly ClusterMember[];
}

/** A cluster of its own in a temporary folder. Members are named `mongodb-1`, `producer-2` and so on. */
export class Cluster {
  private readonly paused = new Set<number>();

  constructor(readonly folder: string, readonly basePort: number, readonly address: string) {}

  /** The file that RESILOG_CONFIG names. */
  get configuration(): string {
    return join(this.folder, 'resilog.json');
  }

  async status(): Promise<ClusterStatus> {
    const { stdout, stderr } = await runClusterTool(['status', '--json', '--var', this.folder]);
    if (stdout === '') throw new Error(`no status of the cluster: ${stderr}`);
    return JSON.parse(stdout) as ClusterStatus;
  }

  async member(name: string): Promise<ClusterMember> {
    const found = (await this.status()).components.find((member) => member.name === name);
    if (found === undefined) throw new Error(`the cluster has no member ${name}`);
    return found;
  }

  /** Pid of the server or process itself; `supervisedPid` is its launcher's, if it has one. */
  async pid(name: string): Promise<number> {
    return workerOf(await this.supervisedPid(name));
  }

  async supervisedPid(name: string): Promise<number> {
    const pid = Number(await this.supervisorctl('pid', name));
    if (!(pid > 0)) throw new Error(`${name} does not run`);
    return pid;
  }

  /** Kills the server or process itself, never its launcher. Returns the pid that it had. */
  async kill9(name: string): Promise<number> {
    const pid = await this.pid(name);
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  async pause(name: string): Promise<void> {
    const pid = await this.pid(name);
    this.paused.add(pid);
    process.kill(pid, 'SIGSTOP');
  }

  async resume(name: string): Promise<void> {
    const pid = await this.pid(name);
    this.paused.delete(pid);
    process.kill(pid, 'SIGCONT');
  }

  /** Stops a member and keeps it down until `start`. */
  async stopMember(name: string): Promise<void> {
    await this.supervisorctl('stop', name);
  }

  async startMember(name: string): Promise<void> {
    await this.supervisorctl('start', name);
  }

  /** Returns when every member is healthy; throws with what is not. */
  async waitUntilReady(timeoutMs = 60_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const status = await this.status();
      if (status.ready) return;
      if (Date.now() > deadline) {
        const problems = status.components.filter((member) => member.problem !== '');
        const tails = await Promise.all(problems.map(async ({ name, problem }) =>
          `${name}: ${problem}\n${await this.logTail(name)}`));
        throw new Error(tails.join('\n'));
      }
      await sleep(200);
    }
  }

  /** Runs `bin/resilog` on this cluster. */
  resilog(args: readonly string[], options: RunOptions = {}): Promise<Run> {
    const environment = { ...options.environment, RESILOG_CONFIG: this.configuration };
    return run(join(checkout, 'bin', 'resilog'), args, { ...options, environment });
  }

  /** The last lines of a member's log, for a failure's message. */
  async logTail(name: string, lines = 20): Promise<string> {
    const text = await readFile((await this.member(name)).log, 'utf8');
    return text.split('\n').slice(-lines).join('\n');
  }

  /** Ends everything and removes the folder. Safe to call twice. */
  async stop(): Promise<void> {
    await this.end('clean');
  }

  /** Ends everything and keeps the folder, to be looked at. */
  async stopAndKeep(): Promise<void> {
    await this.end('down');
  }

  private async end(command: 'clean' | 'down'): Promise<void> {
    for (const pid of this.paused) continueProcess(pid);
    this.paused.clear();
    await runClusterTool([command, '--var', this.folder]);
  }

  private async supervisorctl(...args: string[]): Promise<string> {
    const program = join(checkout, 'venv', 'bin', 'supervisorctl');
    const { code, stdout } = await run(program, ['-c', join(this.folder, 'supervisord.conf'), ...args]);
    if (code !== 0) throw new Error(`supervisorctl ${args.join(' ')}: ${stdout}`);
    return stdout.trim();
  }
}

/** Starts a cluster on free ports and returns when it is healthy. The caller stops it. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const address = options.address ?? '::1';
  const folder = await mkdtemp(join(tmpdir(), 'resilog-'));
  const basePort = await freeBasePort(address);
  const { code, stderr } = await runClusterTool([
    'up', '--var', folder, '--base-port', String(basePort), '--address', address,
    '--members', String(options.members ?? 1),
    '--producers', String(options.producers ?? 1),
    '--consumers', String(options.consumers ?? 2),
    // Tests share the machine with other work: what is to be shown of the time to start has a test of its own.
    '--timeout', '240',
    ...(options.onlyServers === true ? ['--only-servers'] : []),
    ...(options.extra ?? []),
  ]);
  const cluster = new Cluster(folder, basePort, address);
  if (code === 0) return cluster;
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
  throw new Error(`the cluster did not start: ${stderr}`);
}

function continueProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It has ended since.
  }
}
