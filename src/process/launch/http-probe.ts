import { Agent, request } from 'undici';
import { basicAuthorization, tlsOptions, type ServerAccess } from '../../server-access';
import type { HealthProbe } from './health-probe';

/** Healthy when the answer is 2xx; with the credentials and the authority of the configuration. */
export function httpProbe(url: string, access: ServerAccess | undefined, limitMs: number): HealthProbe {
  const agent = new Agent({ connections: 1, connect: { timeout: limitMs, ...tlsOptions(access) } });
  const authorization = basicAuthorization(access);
  return {
    check: async () => {
      const { statusCode, body } = await request(url, {
        dispatcher: agent, signal: AbortSignal.timeout(limitMs),
        headers: authorization === undefined ? {} : { authorization },
      });
      await body.dump();
      if (statusCode < 200 || statusCode > 299) throw new Error(`answered ${statusCode}`);
    },
    close: () => agent.destroy(),
  };
}
