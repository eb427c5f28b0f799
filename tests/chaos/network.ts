import { run } from '../support/checkout';

/** The harness routes between all hosts, so it can cut any two of them from each other. */
export interface Host {
  readonly name: string;
  readonly address: string;
}

/** What of the traffic from one host to another is meant; without ports, all of it. */
export interface Way {
  readonly from: Host;
  readonly to: Host;
  /** Only TCP from or to these ports: the server's, at either end. */
  readonly ports?: readonly number[];
}

/** Of the rules that cut; those of the kernel come before and behind. */
const FIRST_PLACE = 100;
/** What a slow link has room for while it waits: above, packets are lost, as on a real one. */
const LINK_BUFFER_BYTES = 60_000;

/**
 * Hosts as network namespaces, each with an IPv6 address and a link to this one, which forwards. To be used in a
 * namespace that the harness has for itself: see tools/chaos.sh.
 */
export class Network {
  /** Rule → its place among all, and how many faults want it. */
  private readonly cuts = new Map<string, { readonly place: string; wanted: number }>();
  private places = FIRST_PLACE;
  private readonly slow = new Set<Host>();

  private constructor(readonly hosts: readonly Host[]) {}

  static async create(names: readonly string[]): Promise<Network> {
    await command('sysctl', '-q', '-w', 'net.ipv6.conf.all.forwarding=1');
    await command('ip', 'link', 'set', 'lo', 'up');
    const hosts: Host[] = [];
    for (const [index, name] of names.entries()) {
      const subnet = `fd46:c4a0:${(index + 1).toString(16)}`;
      await command('ip', 'netns', 'add', name);
      await command('ip', 'link', 'add', `to-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      await command('ip', 'link', 'set', `to-${name}`, 'up');
      await command('ip', 'address', 'add', `${subnet}::1/64`, 'dev', `to-${name}`, 'nodad');
      await command('ip', '-n', name, 'link', 'set', 'lo', 'up');
      await command('ip', '-n', name, 'link', 'set', 'eth0', 'up');
      await command('ip', '-n', name, 'address', 'add', `${subnet}::2/64`, 'dev', 'eth0', 'nodad');
      await command('ip', '-n', name, 'route', 'add', 'default', 'via', `${subnet}::1`);
      hosts.push({ name, address: `${subnet}::2` });
    }
    return new Network(hosts);
  }

  host(name: string): Host {
    const found = this.hosts.find((host) => host.name === name);
    if (found === undefined) throw new Error(`the network has no host ${name}`);
    return found;
  }

  /** Drops what goes this way, without a word, until what it returns is called. */
  async cut(way: Way): Promise<() => Promise<void>> {
    const rules = rulesOf(way);
    for (const rule of rules) {
      const known = this.cuts.get(rule);
      if (known !== undefined) {
        known.wanted += 1;
        continue;
      }
      // Found again by its place: told by its content, another one that says more would be deleted in its stead.
      const place = String(this.places++);
      this.cuts.set(rule, { place, wanted: 1 });
      await command('ip', '-6', 'rule', 'add', 'preference', place, ...rule.split(' '), 'blackhole');
    }
    return async () => {
      for (const rule of rules) await this.mend(rule);
    };
  }

  /**
   * Gives a host a link of so few kilobits a second, to it and from it; what is more waits (half a second at 1,000
   * kbit/s) and is lost above that. What is returned ends it and tells how many packets were lost.
   */
  async slowDown(host: Host, kilobits: number): Promise<() => Promise<number>> {
    if (this.slow.has(host)) throw new Error(`the link of ${host.name} is slow already`);
    this.slow.add(host);
    const ends = [['dev', `to-${host.name}`], ['-n', host.name, 'dev', 'eth0']].map((end) => ({
      device: end.slice(-2), within: end.slice(0, -2),
    }));
    const shape = ['root', 'tbf', 'rate', `${kilobits}kbit`, 'burst', '16000', 'limit', String(LINK_BUFFER_BYTES)];
    for (const { device, within } of ends) await command('tc', ...within, 'qdisc', 'add', ...device, ...shape);
    return async () => {
      let lost = 0;
      for (const { device, within } of ends) {
        const told = await command('tc', ...within, '-s', 'qdisc', 'show', ...device);
        lost += Number(/\(dropped (\d+)/.exec(told)?.[1] ?? 0);
        await command('tc', ...within, 'qdisc', 'delete', ...device, 'root');
      }
      this.slow.delete(host);
      return lost;
    };
  }

  private async mend(rule: string): Promise<void> {
    const cut = this.cuts.get(rule);
    if (cut === undefined) return;
    cut.wanted -= 1;
    if (cut.wanted > 0) return;
    this.cuts.delete(rule);
    await command('ip', '-6', 'rule', 'delete', 'preference', cut.place);
  }
}

function rulesOf({ from, to, ports }: Way): readonly string[] {
  const between = `from ${from.address} to ${to.address}`;
  if (ports === undefined) return [between];
  return ports.flatMap((port) => ['sport', 'dport'].map((end) => `${between} ipproto tcp ${end} ${port}`));
}

async function command(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}
