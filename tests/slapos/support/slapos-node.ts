import { createHash } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkout, run, type Run } from '../../support/checkout';
import { ordinaryUser, processesOf, pythonFor, type Account } from './account';

/** What `slapos service info` says of an instance. */
export interface ServiceInfo<T> {
  readonly 'requested-state'?: string;
  readonly 'connection-parameters': T;
}

/** What slapgrid notes of a promise. */
interface PromiseResult {
  readonly name: string;
  readonly result: { readonly failed: boolean; readonly message: string };
}

/** As many as the webrunner has. */
export const PARTITIONS = 20;
const PASSES_MAX = 16;
/** A message of slapgrid's that names a promise and what it says. */
const PROMISE = /Promise '([^']+)' failed with output: .*?output: (?:b['"])?(.*?)(?:\\n)?['"]?$/;

/**
 * SlapOS in a short folder of an ordinary user: slapproxy, one node with partitions that share `::1`, and a web server
 * with the packed release. Everything of it is gone after `remove`.
 */
export class SlaposNode {
  /** `venv` is the virtual environment of SlapOS itself. */
  protected constructor(
    readonly user: Account, readonly folder: string, protected readonly port: number, readonly releaseUrl: string,
    protected readonly venv = join(folder, 'venv'),
  ) {}

  static async start(): Promise<SlaposNode> {
    const user = await ordinaryUser();
    // Sockets lie in it, whose paths have to be short.
    const folder = mkdtempSync('/tmp/rs-');
    const [port, webPort] = [await freePort('127.0.0.1'), await freePort('::1')];
    const node = new SlaposNode(user, folder, port, `http://[::1]:${webPort}/software.cfg`);
    mkdirSync(join(folder, 'home'));
    await mustWork(run('python3', [join(checkout, 'tools', 'sdist.py'), join(folder, 'release')]));
    cpSync(join(checkout, 'tests', 'slapos', 'compat'), join(folder, 'compat'), { recursive: true });
    for (const name of ['requirements.txt', 'node.py', 'lose.py', 'publish.py']) {
      cpSync(join(checkout, 'tests', 'slapos', name), join(folder, name));
    }
    node.give(folder);
    const python = await pythonFor(user);
    await mustWork(node.run(python, ['-m', 'venv', 'venv']));
    const pip = (...args: string[]): Promise<Run> => node.run('venv/bin/pip', ['install', '--quiet', ...args]);
    await mustWork(pip('--requirement', 'requirements.txt'));
    await mustWork(pip('--no-build-isolation', '--no-deps', './compat'));
    await mustWork(node.run('venv/bin/python', ['node.py', 'start', `${folder}/b`, String(port), String(PARTITIONS), '::1']));
    user.start(join(folder, 'venv/bin/python'), ['-m', 'http.server', '--bind', '::1', String(webPort)],
      { cwd: join(folder, 'release'), home: join(folder, 'home') });
    await sleep(1_000);
    return node;
  }

  /** Packs the checkout once more, as another version; returns its address. */
  async packAs(version: string): Promise<string> {
    const target = join(this.folder, 'release', version);
    await mustWork(run('python3', [join(checkout, 'tools', 'sdist.py'), target, version]));
    this.give(target);
    return this.releaseUrl.replace('/software.cfg', `/${version}/software.cfg`);
  }

  /** `slapos` with these arguments. */
  slapos(...args: string[]): Promise<Run> {
    return this.run('b/bin/slapos', args);
  }

  /** Runs a program as the node's user, in its folder. */
  run(program: string, args: readonly string[]): Promise<Run> {
    const path = `${this.venv}/bin:/usr/local/bin:/usr/bin:/bin`;
    const resolved = program.includes('/') && !program.startsWith('/') ? join(this.folder, program) : program;
    return this.user.run(resolved, args, { cwd: this.folder, home: join(this.folder, 'home'), path });
  }

  /** The software stage; returns what it wrote. */
  async build(url: string): Promise<string> {
    await mustWork(this.slapos('supply', url, 'local'));
    const { code, stdout, stderr } = await this.slapos('node', 'software');
    if (code !== 0) throw new Error(`the release was not built:\n${(stdout + stderr).slice(-8_000)}`);
    return stdout + stderr;
  }

  async request(name: string, url: string, parameters: unknown, state = 'started'): Promise<void> {
    const file = join(this.folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(parameters));
    await mustWork(this.slapos('request', name, url, '--node', 'computer_guid=local', '--type', 'default',
      '--parameters-file', file, '--state', state));
  }

  /** One run of slapgrid over the partitions that changed or whose promises fail; `--all` over all. */
  async instance(...args: string[]): Promise<Run> {
    const { code, stdout, stderr } = await this.slapos('node', 'instance', ...args);
    return { code, stdout, stderr: stdout + stderr };
  }

  /** Runs slapgrid until every promise passes; returns how many runs it took. */
  async settle(passes = PASSES_MAX): Promise<number> {
    let log = '';
    for (let pass = 1; pass <= passes; pass += 1) {
      const { code, stderr } = await this.instance();
      if (code === 0) return pass;
      log = stderr;
    }
    throw new Error(`it has not settled after ${passes} runs:\n${failedPromises(log).join('\n')}\n${log.slice(-4_000)}`);
  }

  /** Has slapgrid ask the promises of one partition, or of all; returns `name: what it says` of those that fail. */
  async promises(partition?: string): Promise<string[]> {
    const only = partition === undefined ? [] : ['--only-cp', partition];
    await this.slapos('node', 'promise', ...only);
    return (partition === undefined ? this.usedPartitions() : [partition]).flatMap((name) => this.failedIn(name));
  }

  /** slapgrid's log names the first promise of a partition only, its notes have all. */
  private failedIn(partition: string): string[] {
    const folder = join(this.partition(partition), '.slapgrid', 'promise', 'result');
    if (!existsSync(folder)) return [];
    const results = readdirSync(folder).filter((file) => file.endsWith('.status.json'))
      .map((file) => JSON.parse(readText(join(folder, file))) as PromiseResult);
    return results.filter(({ result }) => result.failed).map(({ name, result }) => `${name}: ${result.message}`);
  }

  async info<T>(name: string): Promise<ServiceInfo<T>> {
    const { stdout, stderr } = await this.slapos('service', 'info', name);
    const begin = stdout.indexOf('{');
    if (begin < 0) throw new Error(`no information on ${name}: ${stdout}${stderr}`);
    return JSON.parse(stdout.slice(begin)) as ServiceInfo<T>;
  }

  /** Asks for the end of an instance and runs slapgrid until its partitions are free again. */
  async destroy(name: string, url: string, parameters: unknown): Promise<void> {
    await this.request(name, url, parameters, 'destroyed');
    for (let pass = 0; pass < PASSES_MAX; pass += 1) {
      await this.instance();
      await this.slapos('node', 'report');
      if (this.usedPartitions().length > 0) continue;
      // slapproxy keeps a root, and all that it published, until it was told again after its children went.
      await this.slapos('node', 'report');
      return;
    }
    throw new Error(`still used: ${this.usedPartitions().join(', ')}`);
  }

  /** Kills all processes of a partition, those that start others anew with them. */
  killAll(partition: string): void {
    const folder = `${this.partition(partition)}/`;
    for (const [pid] of [...this.services()].filter(([, command]) => command.includes(folder))) kill(pid);
  }

  /** A partition's computer dies: its processes and data are gone at once, and nothing is placed in it again. */
  async lose(name: string): Promise<void> {
    const folder = this.partition(name);
    await mustWork(this.run('venv/bin/python', ['lose.py', 'b/var/proxy.db', name]));
    this.killAll(name);
    rmSync(join(this.folder, 'b', 'inst', 'etc', 'supervisord.conf.d', `${name}.conf`), { force: true });
    await this.slapos('node', 'supervisorctl', 'update');
    this.killAll(name);
    for (const file of readdirSync(folder)) {
      if (!file.startsWith('.slapos-resource')) rmSync(join(folder, file), { recursive: true, force: true });
    }
  }

  /** Changes what the master keeps of what the instance in this partition has published. */
  async republish(name: string, changes: Readonly<Record<string, unknown>>): Promise<void> {
    const file = join(this.folder, 'published.json');
    writeFileSync(file, JSON.stringify(changes));
    await mustWork(this.run('venv/bin/python', ['publish.py', 'b/var/proxy.db', name, file]));
  }

  /** Partitions that were lost may be used again. */
  async giveBackLost(): Promise<void> {
    await mustWork(this.run('venv/bin/python', ['lose.py', 'b/var/proxy.db']));
  }

  /** Makes the node's user the owner of a folder with all in it. */
  give(folder: string): void {
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = this.user;
    chownSync(folder, uid, gid);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      chownSync(join(entry.parentPath, entry.name), uid, gid);
    }
  }

  /** The folder that a release is built in. */
  softwareOf(url: string): string {
    return join(this.folder, 'b', 'soft', createHash('md5').update(url).digest('hex'));
  }

  partition(name: string): string {
    return join(this.folder, 'b', 'inst', name);
  }

  /** Names of the partitions that hold anything of an instance. */
  usedPartitions(): string[] {
    return readdirSync(join(this.folder, 'b', 'inst')).filter((name) => name.startsWith('slappart')
      && readdirSync(this.partition(name)).some((file) => !file.startsWith('.slapos-resource')));
  }

  /** Command lines of the processes of instances, by process id: not those of SlapOS and of the web server. */
  services(): Map<number, string> {
    return new Map([...processesOf(this.user)].filter(([, command]) =>
      command.includes(join(this.folder, 'b', 'inst', 'slappart')) || command.includes(join(this.folder, 'b', 'soft'))));
  }

  async remove(): Promise<void> {
    await this.run('venv/bin/python', ['node.py', 'stop', `${this.folder}/b`, String(this.port)]);
    const processes = [...processesOf(this.user)].filter(([, command]) => command.includes(this.folder));
    for (const [pid] of processes) kill(pid);
    await sleep(500);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    await this.user.remove();
  }
}

/** `name: what it says` of each promise that failed in a run of slapgrid. */
export function failedPromises(log: string): string[] {
  const found = log.split('\n').map((line) => PROMISE.exec(line)).filter((match) => match !== null)
    .map((match) => `${match[1] ?? ''}: ${match[2] ?? ''}`);
  return [...new Set(found)];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

export function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

export async function mustWork(running: Promise<Run>): Promise<Run> {
  const finished = await running;
  if (finished.code !== 0) throw new Error(`exit code ${finished.code ?? 'none'}: ${(finished.stdout + finished.stderr).slice(-4_000)}`);
  return finished;
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port: 0 }, () => {
      const { port } = server.address() as { port: number };
      server.close(() => { resolve(port); });
    });
  });
}
