import { stopServers } from './servers';
import { stopSharedCluster } from './shared-cluster';

/** Root hooks of mocha: what tests share ends with the run. */
export const mochaHooks = {
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(120_000);
    await stopSharedCluster();
    await stopServers();
  },
};
