import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/errors';
import type { ServerAccess } from '../../src/server-access';
import { parseCredentials } from '../../src/server-access';
import { checkout, run } from './checkout';
import { derivedSecrets, type DerivedSecrets } from './derived-secrets';
import { freeBasePort } from './free-ports';
import { PrivateZooKeeper } from './private-zookeeper';
import { serverTls } from './secured-servers';

const SECRET = 'one cluster';
const STARTED_MS = 90_000;
const RENDER = `
import jinja2, json, sys
given = json.load(sys.stdin)
environment = jinja2.Environment(loader=jinja2.FileSystemLoader('templates'), undefined=jinja2.StrictUndefined)
for name, path in given['files'].items():
    with open(path, 'w') as output:
        output.write(environment.get_template(name).render(given['context']))
`;

/** Nodes of SolrCloud of a test's own that ask for passwords and speak HTTPS, from the templates of the release. */
export class SecuredSolr {
  private readonly nodes: ChildProcess[] = [];

  private constructor(
    readonly zookeeper: PrivateZooKeeper, readonly secrets: DerivedSecrets, readonly authority: string,
    private readonly folder: string, private readonly base: number,
  ) {}

  static async start(nodes: number): Promise<SecuredSolr> {
    const { authority } = await serverTls({ secret: SECRET });
    const solr = new SecuredSolr(await PrivateZooKeeper.start(), await derivedSecrets(SECRET), authority,
      mkdtempSync(join(tmpdir(), 'resilog-solr-')), await freeBasePort());
    for (let index = 0; index < nodes; index += 1) await solr.startNode(index);
    return solr;
  }

  get urls(): string[] {
    return this.nodes.map((_, index) => `https://[::1]:${this.base + index}/solr`);
  }

  /** Process ids of the nodes. */
  get pids(): number[] {
    return this.nodes.map(({ pid }) => pid ?? 0);
  }

  /** As the process of a role has it. */
  access(role: 'admin' | 'consumer' | 'launcher'): ServerAccess {
    const text = this.secrets.options[role === 'launcher' ? 'solr' : role].solr ?? '';
    const credentials = parseCredentials(text);
    if (credentials === undefined) throw new Error(`no user ${role}`);
    return { authority: this.authority, credentials };
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => {
      if (node.exitCode !== null || node.signalCode !== null) return;
      const ended = new Promise((done) => node.once('exit', done));
      node.kill('SIGKILL');
      await ended;
    }));
    await this.zookeeper.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async startNode(index: number): Promise<void> {
    const folder = join(this.folder, String(index));
    mkdirSync(folder);
    const file = (name: string, content: string): string => {
      writeFileSync(join(folder, name), content, { mode: 0o600 });
      return join(folder, name);
    };
    const tls = await serverTls({ secret: SECRET });
    const registry = this.secrets.options.solr['solr-zookeeper'] ?? '';
    const [user = '', password = ''] = registry.split(':');
    const zookeeper = [`[::1]:${this.zookeeper.port}`];
    file('security.json', JSON.stringify(this.secrets.options.security));
    const context = {
      folder, data: join(folder, 'data'), log: join(folder, 'log'), launch: '', address: '::1', port: this.base + index,
      program: join(checkout, 'bin', 'resilog'), java: join(checkout, 'parts', 'java'), solr: join(checkout, 'parts', 'solr'),
      zookeeper_addresses: zookeeper, solr_heap: '256m', java_options: '-XX:TieredStopAtLevel=1', tls: 'yes',
      solr_registry: file('registry.json', JSON.stringify({ zookeeper, chroot: '/solr', credentials: file('zookeeper', registry) })),
      zookeeper_digest: file('digest', `zkDigestUsername=${user}\nzkDigestPassword=${password}\n`),
      tls_key: file('server.key', tls.key), tls_certificate: file('server.crt', tls.certificate),
      tls_authority: file('authority.crt', tls.authority),
    };
    const names = ['jetty.xml', 'solr.xml', 'log4j2.xml'].map((name) => [`${name}.in`, join(folder, name)]);
    const files = Object.fromEntries([...names, ['run-solr.in', join(folder, 'run')]]) as Record<string, string>;
    const rendered = await run(join(checkout, 'venv', 'bin', 'python'), ['-c', RENDER], { input: JSON.stringify({ files, context }) });
    if (rendered.code !== 0) throw new Error(rendered.stderr);
    // The script becomes the node: it ends with exec.
    this.nodes.push(spawn('/bin/sh', [join(folder, 'run')], { stdio: 'ignore' }));
    await this.answers(index);
  }

  private async answers(index: number): Promise<void> {
    const { parseHealth } = await import('../../src/process/launch/health-probe');
    const probe = parseHealth(`${this.urls[index] ?? ''}/admin/info/health`, { mongodb: undefined, solr: this.access('launcher') });
    const endMs = Date.now() + STARTED_MS;
    try {
      for (;;) {
        const problem = await probe.check().then(() => '', messageOf);
        if (problem === '') return;
        if (Date.now() > endMs || this.nodes[index]?.exitCode !== null) throw new Error(`Solr did not start: ${problem}`);
        await new Promise((done) => setTimeout(done, 300));
      }
    } finally {
      await probe.close();
    }
  }
}
