import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { checkout } from '../support/checkout';

const BARE = `
ip link set lo up && ip -4 address flush dev lo || exit 70
if grep -q . /proc/net/fib_trie 2>/dev/null && grep -q '127.0.0.1' /proc/net/fib_trie; then echo 'IPv4 is still there' >&2; exit 71; fi
exec "$@"
`;

/** Runs a command on a host that has the loopback interface with ::1 and nothing else; as root or as anybody. */
async function runWithoutIpv4(
  command: string, args: readonly string[],
): Promise<{ readonly code: number; readonly output: string }> {
  const namespaces = process.getuid?.() === 0 ? '-n' : '-Urn';
  const child = spawn('unshare', [namespaces, 'sh', '-c', BARE, 'sh', command, ...args], {
    cwd: checkout, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => { output += text; });
  }
  const [code] = await once(child, 'close') as [number | null];
  return { code: code ?? 1, output };
}

describe('on a host without IPv4', function () {
  this.timeout(900_000);

  it('a whole cluster starts, and everything that the command line does works', async () => {
    const mocha = join(checkout, 'node_modules', 'mocha', 'bin', 'mocha.js');
    const { code, output } = await runWithoutIpv4(process.execPath, [mocha, 'tests/end-to-end/command-line.test.ts']);
    expect(code, output).to.equal(0);
    expect(output).to.match(/\d+ passing/);
  });
});
