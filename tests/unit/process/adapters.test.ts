import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { ConfigurationError, InvariantError, UnavailableError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { Adapters } from '../../../src/process/adapters';
import type { ProcessConfiguration } from '../../../src/process/configuration';
import { systemRandom } from '../../../src/random';

describe('Adapters.eventually', () => {
  let adapters: Adapters;
  let stop: AbortController;

  beforeEach(() => {
    stop = new AbortController();
    const configuration: ProcessConfiguration = {
      file: 'resilog.json', zookeeper: [], chroot: '', credentials: undefined, access: undefined, member: undefined,
      address: undefined, port: undefined, data: undefined, pylogsparser: undefined, tls: undefined, mongodb: undefined,
      solr: undefined, logLevel: 'info',
    };
    adapters = new Adapters({ configuration, clock: systemClock, random: systemRandom, log: silentLog });
  });

  it('tries until it works, and says meanwhile what is waited for and why', async () => {
    expect(adapters.startingReasons()).to.deep.equal(['starting']);
    const reasons: string[] = [];
    const problems = [new UnavailableError('no primary'), new ConfigurationError('not initialised')];
    const result = await adapters.eventually('MongoDB', stop.signal, () => {
      reasons.push(...adapters.startingReasons());
      const problem = problems.shift();
      return problem === undefined ? Promise.resolve('there') : Promise.reject(problem);
    });
    expect(result).to.equal('there');
    expect(reasons).to.deep.equal([
      'starting: waiting for MongoDB',
      'starting: waiting for MongoDB (no primary)',
      'starting: waiting for MongoDB (not initialised)',
    ]);
    expect(adapters.startingReasons()).to.deep.equal(['starting']);
  });

  it('gives up at once for what time does not mend, and when the process is stopped', async () => {
    let tries = 0;
    const failing = (error: Error): Promise<unknown> => adapters.eventually('MongoDB', stop.signal, () => {
      tries += 1;
      return Promise.reject(error);
    }).catch((reason: unknown) => reason);
    const defect = new InvariantError('a defect');
    expect(await failing(defect)).to.equal(defect);
    expect(tries).to.equal(1);
    stop.abort();
    const away = new UnavailableError('away');
    expect(await failing(away)).to.equal(away);
    expect(tries).to.equal(2);
  });
});
