import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../../support/checkout';
import { post } from './https';
import { readText, type SlaposNode } from './slapos-node';

/** What the root of a cluster publishes. */
export interface Published {
  readonly 'admin-secret': string;
  readonly 'intake-urls': readonly string[];
  readonly certificates: Readonly<Record<string, string>>;
  readonly command: string;
  readonly 'fault-tolerant': boolean;
  readonly remark: string;
  readonly zookeeper: string;
  readonly hosts: Readonly<Record<string, string>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly 'server-certificates': Readonly<Record<string, string>>;
  readonly incarnations: Readonly<Record<string, string>>;
  /** Incarnation of each member that takes part, by tier, as the servers themselves have said. */
  readonly 'taking-part': Readonly<Record<string, { readonly members: Readonly<Record<string, string>> }>>;
}

type Values = Readonly<Record<string, unknown>>;

const QUICK_JAVA = '-XX:TieredStopAtLevel=1';
const READY_MS = 120_000;

/** Parameters of a cluster whose ports follow one another from this base, with the counts that differ from one. */
export function parametersFrom(base: number, counts: Readonly<Record<string, number>> = {}): Record<string, Values> {
  const count = (tier: string): { count: number } => ({ count: counts[tier] ?? 1 });
  return {
    zookeeper: { 'base-port': base, 'java-options': QUICK_JAVA, ...count('zookeeper') },
    mongodb: { 'base-port': base + 30, ...count('mongodb') },
    solr: { 'base-port': base + 40, 'java-options': QUICK_JAVA, ...count('solr'), replicas: Math.min(counts.solr ?? 1, 2) },
    producer: { 'base-port': base + 50, ...count('producer') },
    consumer: { 'base-port': base + 70, ...count('consumer') },
  };
}

/** One requested cluster on a node, and what its operator does with it. */
export class RequestedCluster {
  published!: Published;

  constructor(
    readonly node: SlaposNode, readonly name: string, public parameters: Values,
    public url = node.releaseUrl,
  ) {}

  request(state = 'started'): Promise<void> {
    return this.node.request(this.name, this.url, this.parameters, state);
  }

  /** Runs slapgrid until every promise passes, and reads what is published. */
  async settle(passes?: number): Promise<void> {
    await this.node.settle(passes);
    this.published = (await this.node.info<Published>(this.name))['connection-parameters'];
  }

  /** Requests it anew with these values of tiers in the place of the former ones. */
  change(tiers: Readonly<Record<string, Values>>): Promise<void> {
    for (const [tier, values] of Object.entries(tiers)) {
      this.parameters = { ...this.parameters, [tier]: { ...(this.parameters[tier] as Values | undefined), ...values } };
    }
    return this.request();
  }

  async start(): Promise<void> {
    await this.request();
    await this.settle();
  }

  destroy(): Promise<void> {
    return this.node.destroy(this.name, this.url, this.parameters);
  }

  /** The command line in the root's partition. */
  resilog(...args: string[]): Promise<Run> {
    return this.node.run(this.published.command, args);
  }

  async untilReady(): Promise<void> {
    const deadline = Date.now() + READY_MS;
    for (;;) {
      const { code, stdout, stderr } = await this.resilog('status');
      if (code === 0) return;
      if (Date.now() > deadline) throw new Error(`not ready: ${stdout}${stderr}`);
      await sleep(1_000);
    }
  }

  /** Makes a source and returns its key. */
  async addSource(name: string): Promise<string> {
    const { stdout, stderr } = await this.resilog('source', 'add', name, '--json');
    if (!stdout.startsWith('{')) throw new Error(`the source was not added: ${stderr}`);
    return (JSON.parse(stdout) as { key: string }).key;
  }

  /** Posts to the producer with this number; 0 when it can't be reached. */
  post(producer: number, key: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    const authority = this.published.certificates[`producer-${producer}`] ?? '';
    return post(`${this.published['intake-urls'][producer - 1] ?? ''}/${key}`, authority, body, headers).catch(() => 0);
  }

  /** Waits until everything is indexed; how many lines of the source a search finds. */
  async countLines(source: string): Promise<number> {
    const { code, stderr } = await this.resilog('wait', '--idle', '--timeout', '180s');
    if (code !== 0) throw new Error(`not indexed in time: ${stderr}`);
    return Number((await this.resilog('search', '*', '--source', source, '--count')).stdout.trim());
  }

  /** The partition that runs this member, such as `mongodb-2`, by the name that its launcher or process was given. */
  partitionOf(member: string): string {
    const named = new RegExp(`(--member |"member": ")${member}[ "]`);
    const found = this.node.usedPartitions().find((partition) =>
      this.configurationOf(partition).some((text) => named.test(text)));
    if (found === undefined) throw new Error(`no partition has ${member}`);
    return found;
  }

  private configurationOf(partition: string): string[] {
    return ['run', 'process.json'].flatMap((name) => {
      try {
        return [readText(join(this.node.partition(partition), 'etc', 'resilog', name))];
      } catch {
        return [];
      }
    });
  }
}
