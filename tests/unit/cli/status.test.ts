import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { addStatusCommand } from '../../../src/cli/commands/status';
import type { CommandContext } from '../../../src/cli/context';
import { createOutput } from '../../../src/cli/output';
import { createProgram, runProgram } from '../../../src/cli/program';
import { systemClock } from '../../../src/clock';
import { readConfiguration } from '../../../src/process/configuration';
import { ConnectedServices } from '../../../src/process/services';
import { systemRandom } from '../../../src/random';
import { Stopwatch } from '../../support/stopwatch';

describe('resilog status without ZooKeeper', function () {
  this.timeout(20_000);

  it('says within 6 s that it is out of reach, with 69, and shows nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'resilog-'));
    const file = join(folder, 'resilog.json');
    await writeFile(file, JSON.stringify({ zookeeper: ['[::1]:1'] }));
    const services = new ConnectedServices({
      clock: systemClock, random: systemRandom, configuration: () => readConfiguration(file),
    });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const output = createOutput({ stdout, stderr, environment: {} });
    const context = { output, services, clock: systemClock } as unknown as CommandContext;
    const stopwatch = new Stopwatch();
    const code = await runProgram(createProgram('0', [addStatusCommand], context), ['status'], output);
    await services.close();
    expect(stopwatch.ms).to.be.lessThan(6_000);
    await rm(folder, { recursive: true });
    expect(code).to.equal(69);
    expect(stdout.read()).to.equal(null);
    const said = String(stderr.read());
    expect(said).to.include('ZooKeeper is out of reach').and.include('make status').and.not.include('    at ');
  });
});
