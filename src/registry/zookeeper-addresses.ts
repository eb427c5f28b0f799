import { ConfigurationError } from '../errors';

export interface ServerAddress {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** `[::1]:2181,[2001:db8::2]:2181` or `zk1:2181`. ConfigurationError names what can't be read. */
export function parseServers(list: string): readonly ServerAddress[] {
  return list.split(',').map((entry) => {
    const match = /^(?:\[([0-9a-fA-F:.]+(?:%[0-9A-Za-z]+)?)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(entry.trim());
    const host = match?.[1] ?? match?.[2];
    const port = Number(match?.[3]);
    if (host === undefined || port < 1 || port > 65_535) {
      throw new ConfigurationError(`"${entry}" is not the address of a ZooKeeper server`, {
        remedy: 'write [IPv6 address]:port or host:port, separated by commas',
      });
    }
    return { host, port };
  });
}
