/** Makes cuts that overlap and mends them in another order; writes what the kernel still cuts after each step. */
import { run } from '../support/checkout';
import { Network } from './network';

async function main(): Promise<void> {
  const network = await Network.create(['a', 'b']);
  const [from, to] = [network.host('a'), network.host('b')];
  const steps: number[] = [];
  const count = async (): Promise<void> => {
    const { stdout } = await run('ip', ['-6', 'rule', 'show']);
    steps.push(stdout.split('\n').filter((rule) => rule.includes('blackhole')).length);
  };
  const host = await network.cut({ from, to });
  const port = await network.cut({ from, to, ports: [12_031] });
  const again = await network.cut({ from, to });
  await count();
  await host();
  await count();
  await again();
  await count();
  const { stdout } = await run('ip', ['-6', 'rule', 'show']);
  const left = stdout.split('\n').filter((rule) => rule.includes('blackhole') && !rule.includes('12031'));
  await port();
  await count();
  process.stdout.write(`${JSON.stringify({ steps, left })}\n`);
}

void main();
