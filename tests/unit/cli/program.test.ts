import { expect } from 'chai';
import { PassThrough } from 'node:stream';
import type { CommandContext } from '../../../src/cli/context';
import { createOutput } from '../../../src/cli/output';
import { createProgram, runProgram } from '../../../src/cli/program';
import { ConflictError, NotFoundError, UnavailableError } from '../../../src/errors';

async function run(
  argv: string[], action: () => void = () => undefined,
): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const output = createOutput({ stdout, stderr, environment: {} });
  const program = createProgram('1.2.3', [
    (parent) => { parent.command('search').option('--rows <n>').action(action); },
  ], { output } as CommandContext);
  const code = await runProgram(program, argv, output);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

describe('the command line', () => {
  it('prints help and version on standard output and ends with 0', async () => {
    const help = await run(['--help']);
    expect(help.code).to.equal(0);
    expect(help.out).to.include('search').and.include('Exit codes');
    expect(await run(['--version'])).to.include({ code: 0, out: '1.2.3\n' });
  });

  it('names an unknown command or option and what was near, with 64', async () => {
    const command = await run(['serach']);
    expect(command.code).to.equal(64);
    expect(command.err).to.include('serach').and.include('search');
    const option = await run(['search', '--row', '5']);
    expect(option.code).to.equal(64);
    expect(option.err).to.include('--rows');
  });

  it('ends with the code of whose turn it is, without a stack for errors of users', async () => {
    for (const [error, code] of [
      [new NotFoundError('no such line'), 66], [new ConflictError('is there'), 73], [new UnavailableError('down'), 69],
    ] as const) {
      const result = await run(['search'], () => { throw error; });
      expect(result.code).to.equal(code);
      expect(result.err).to.include(error.message).and.not.include('    at ');
    }
  });

  it('shows the stack of a defect of ours, with 70', async () => {
    const result = await run(['search'], () => { throw new TypeError('x is not a function'); });
    expect(result.code).to.equal(70);
    expect(result.err).to.include('    at ');
  });
});
