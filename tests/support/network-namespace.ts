import { randomBytes } from 'node:crypto';
import { run, type Run } from './checkout';

/** A host of its own as far as the network goes. Needs root. */
export interface NetworkHost {
  readonly address: string;
  /** Runs a command on that host. */
  run(command: string, args: readonly string[]): Promise<Run>;
}

export interface Network {
  readonly hosts: readonly NetworkHost[];
  /** Removes the namespaces; what runs in them has to be stopped before. */
  remove(): Promise<void>;
}

/** Two hosts on one link that has IPv6 and nothing else. */
export async function twoHosts(): Promise<Network> {
  const id = randomBytes(3).toString('hex');
  const names = [`resilog-${id}-a`, `resilog-${id}-b`];
  const addresses = [`fd46:${id.slice(0, 4)}::1`, `fd46:${id.slice(0, 4)}::2`];
  for (const name of names) await ip('netns', 'add', name);
  await ip('link', 'add', 'eth0', 'netns', names[0] ?? '', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', names[1] ?? '');
  for (const [index, name] of names.entries()) {
    // The loopback interface would bring 127.0.0.1 with it.
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    await ip('-n', name, '-4', 'address', 'flush', 'dev', 'lo');
    await ip('-n', name, 'link', 'set', 'eth0', 'up');
    await ip('-n', name, 'address', 'add', `${addresses[index] ?? ''}/64`, 'dev', 'eth0', 'nodad');
  }
  return {
    hosts: names.map((name, index) => ({
      address: addresses[index] ?? '',
      run: (command, args) => run('ip', ['netns', 'exec', name, command, ...args]),
    })),
    remove: async () => {
      for (const name of names) await run('ip', ['netns', 'delete', name]);
    },
  };
}

async function ip(...args: string[]): Promise<void> {
  const { code, stderr } = await run('ip', args);
  if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
}
