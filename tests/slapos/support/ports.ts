import { freeBasePort } from '../../support/free-ports';

/**
 * A base of free ports for a cluster. Minutes pass until its servers take them, so that they are out of the range in
 * which the tests that may run at the same time look for theirs.
 */
export function clusterBasePort(address = '::1'): Promise<number> {
  return freeBasePort(address, { first: 8_000, last: 11_900 });
}
