import { expect } from 'chai';
import { PassThrough } from 'node:stream';
import { csvRow } from '../../../src/cli/csv';
import { createOutput, formatAge, formatBytes, printable } from '../../../src/cli/output';
import type { TerminalStream } from '../../../src/cli/output';

function terminal(isTTY: boolean): TerminalStream & { text(): string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return Object.assign(stream, { isTTY, columns: 80, text: () => Buffer.concat(chunks).toString() });
}

describe('command output', () => {
  it('pads tables by what is seen and colours only a terminal', () => {
    for (const isTTY of [true, false]) {
      const stdout = terminal(isTTY);
      const output = createOutput({ stdout, stderr: terminal(false), environment: {} });
      output.table([['name', 'state'], [output.style.good('a'), 'up'], ['longer', 'up']]);
      expect(stdout.text().includes('\x1b[')).to.equal(isTTY);
      expect(stdout.text().replaceAll(/\x1b\[\d+m/g, '')).to.equal('name    state\na       up\nlonger  up\n');
    }
  });

  it('obeys NO_COLOR', () => {
    const stdout = terminal(true);
    createOutput({ stdout, stderr: terminal(false), environment: { NO_COLOR: '1' } }).line('x');
    expect(stdout.text()).to.equal('x\n');
  });

  it('shows progress on a terminal only and clears it before other text', () => {
    const quiet = terminal(false);
    createOutput({ stdout: terminal(false), stderr: quiet, environment: {} }).progress('50 %');
    expect(quiet.text()).to.equal('');
    const shown = terminal(true);
    const output = createOutput({ stdout: terminal(false), stderr: shown, environment: {} });
    output.progress('50 %');
    output.note('done');
    expect(shown.text()).to.equal('50 %\r\x1b[Kdone\n');
  });

  it('shows control characters of a line instead of sending them to the terminal', () => {
    expect(printable('a\x1b[31mb\x00\x7f\tc\x9b')).to.equal('a\u241b[31mb\u2400\u2421\tc\u2421');
  });

  it('formats ages', () => {
    expect([-5, 0, 119_999, 120_000, 7_200_000, 86_400_000, 172_800_000].map(formatAge))
      .to.deep.equal(['0s', '0s', '119s', '2m', '2h', '24h', '2d']);
  });

  it('formats sizes', () => {
    expect([0, 1023, 1024, 1.5 * 1024 ** 3].map(formatBytes)).to.deep.equal(['0 B', '1023 B', '1.0 KiB', '1.5 GiB']);
  });

  it('quotes CSV fields as RFC 4180 does', () => {
    expect(csvRow(['a', 'b,c', 'say "x"', 'two\nlines', ''])).to.equal('a,"b,c","say ""x""","two\nlines",');
  });
});
