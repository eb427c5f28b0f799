import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkout } from './checkout';
import { freeBasePort } from './free-ports';
import { fourLetterWord } from './zookeeper-session';

/** A ZooKeeper of one test, to be stopped, killed and wiped. */
export class PrivateZooKeeper {
  private server: ChildProcess | undefined;

  private constructor(private readonly folder: string, readonly port: number) {}

  static async start(): Promise<PrivateZooKeeper> {
    const zookeeper = new PrivateZooKeeper(mkdtempSync(join(tmpdir(), 'resilog-zk-')), await freeBasePort());
    await zookeeper.launch();
    return zookeeper;
  }

  async launch(): Promise<void> {
    mkdirSync(join(this.folder, 'data'), { recursive: true });
    const configuration = join(this.folder, 'zoo.cfg');
    writeFileSync(configuration, [
      `dataDir=${join(this.folder, 'data')}`, 'clientPortAddress=::1', `clientPort=${this.port}`, 'tickTime=1000',
      'admin.enableServer=false', '4lw.commands.whitelist=ruok,mntr', '',
    ].join('\n'));
    this.server = spawn(join(checkout, 'parts', 'java', 'bin', 'java'), [
      '-Xmx64m', '-XX:+UseSerialGC', '-Djava.net.preferIPv6Addresses=true', `-Dzookeeper.log.dir=${this.folder}`,
      '-cp', `${this.folder}:${join(checkout, 'parts', 'zookeeper', 'lib', '*')}`,
      'org.apache.zookeeper.server.ZooKeeperServerMain', configuration,
    ], { stdio: 'ignore' });
    const deadline = performance.now() + 30_000;
    while ((await fourLetterWord({ host: '::1', port: this.port }, 'ruok').catch(() => '')) !== 'imok') {
      if (performance.now() > deadline) throw new Error('the private ZooKeeper does not answer');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.server?.kill(signal);
  }

  async kill(): Promise<void> {
    const { server } = this;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await gone;
  }

  /** What was there is lost; to be called while it is down. */
  wipe(): void {
    rmSync(join(this.folder, 'data'), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    this.signal('SIGCONT');
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
