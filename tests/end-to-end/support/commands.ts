import { expect } from 'chai';
import type { Cluster } from '../../support/cluster';

export interface AddedSource {
  readonly name: string;
  readonly key: string;
  /** One a producer. */
  readonly urls: readonly string[];
}

/** `resilog` on a cluster, for commands that have to work. */
export interface Commands {
  run(...args: string[]): Promise<string>;
  json<T>(...args: string[]): Promise<T>;
  ndjson<T>(...args: string[]): Promise<T[]>;
  addSource(name: string, ...options: string[]): Promise<AddedSource>;
}

export function commandsOf(cluster: Cluster): Commands {
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.resilog(args);
    expect(code, `resilog ${args.join(' ')}: ${stderr}`).to.equal(0);
    return stdout;
  };
  const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await run(...args, '--json')) as T;
  return {
    run,
    json,
    ndjson: async <T>(...args: string[]) =>
      (await run(...args, '--json')).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as T),
    addSource: async (name, ...options) => {
      const added = await json<AddedSource>('source', 'add', name, ...options);
      // In the order of the members' names, so that tests know which producer is which.
      return { ...added, urls: [...added.urls].sort() };
    },
  };
}
