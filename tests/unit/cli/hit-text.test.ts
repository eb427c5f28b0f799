import { expect } from 'chai';
import { hitRows } from '../../../src/cli/hit-text';
import { createOutput, type TerminalStream } from '../../../src/cli/output';
import type { Hit } from '../../../src/index/ports';

const hit: Hit = {
  id: `${'a'.repeat(24)}!7`, fileID: 'a'.repeat(24), line: 7, source: 'login', sourceID: 's',
  date: '2026-11-22T03:26:16.000Z', received: '2026-11-22T03:26:17.000Z', truncated: false, normalizers: [],
  message: 'Nov 22 03:26:16 login1 sshd[939]: Failed password for invalid user \u001badmin from 192.0.2.7 port 4711 ssh2',
  tags: { program: 'sshd', body: 'again', user: 'a'.repeat(60) },
} as unknown as Hit;

function output(columns?: number): ReturnType<typeof createOutput> {
  const stdout = { isTTY: columns !== undefined, columns, write: () => true } as unknown as TerminalStream;
  return createOutput({ stdout, stderr: stdout, environment: { TERM: 'xterm' } });
}

describe('a hit as text', () => {
  it('fits a terminal of 80 columns, wrapped between words, with the words of the query marked', () => {
    const rows = hitRows(hit, 'failed "invalid user"', output(80));
    const plain = rows.map((row) => row.replace(/\x1b\[\d+m/g, ''));
    for (const row of plain) expect(row.length, row).to.be.at.most(79);
    expect(plain[0]).to.equal(`2026-11-22T03:26:16.000Z login ${'a'.repeat(24)}!7`);
    expect(plain.slice(1, 3)).to.deep.equal([
      '  Nov 22 03:26:16 login1 sshd[939]: Failed password for invalid user \u241badmin',
      '  from 192.0.2.7 port 4711 ssh2',
    ]);
    expect(plain[3]).to.match(/^ {2}program=sshd user=a+…$/);
    expect(rows[1]).to.include('\x1b[1m\x1b[33mFailed\x1b[39m\x1b[22m password')
      .and.include('\x1b[1m\x1b[33minvalid user\x1b[39m\x1b[22m');
  });

  it('marks a phrase that the wrapping cuts in both rows', () => {
    const rows = hitRows({ ...hit, message: `${'x'.repeat(60)} aaaaaaaaaaaa bbbbbbb` }, '"aaaaaaaaaaaa bbbbbbb"', output(80));
    expect(rows[1]).to.include('\x1b[33maaaaaaaaaaaa');
    expect(rows[2]).to.include('\x1b[33mbbbbbbb');
  });

  it('is whole and without colour where there is no terminal', () => {
    const rows = hitRows(hit, 'failed', output());
    expect(rows).to.have.length(3);
    expect(rows.join('')).to.not.include('\x1b').and.not.include('…');
    expect(rows[2]).to.equal(`  program=sshd user=${'a'.repeat(60)}`);
  });
});
