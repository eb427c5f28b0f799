import { stopServers } from './servers';

/** Root hooks of mocha: the servers that tests share end with the run. */
export const mochaHooks = {
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(60_000);
    await stopServers();
  },
};
