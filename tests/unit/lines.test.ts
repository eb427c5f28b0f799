import { expect } from 'chai';
import { countLines, cutAtLineEnds, eachLine, splitLines } from '../../src/lines';

/** The rule, written as plainly as possible. */
function plainly(body: string): string[] {
  return body.split('\n').filter((line) => line !== '' && line !== '\r').map((line) => `${line}\n`);
}

describe('splitLines', () => {
  const cases: readonly (readonly [name: string, body: string])[] = [
    ['nothing', ''], ['one line', 'a\n'], ['no LF at the end', 'a\nb'], ['only LFs', '\n\n\n'], ['only CR LF', '\r\n\r\n'],
    ['CR LF kept', 'a\r\nb\r\n'], ['empty lines in the middle', 'a\n\n\r\nb\n\nc'], ['leading empty lines', '\n\r\na\n'],
    ['trailing empty lines', 'a\n\n\r\n'], ['a lone CR at the end', 'a\n\r'], ['a lone CR', '\r'], ['CRs in a line', 'a\rb\r\r\n'],
    ['two CRs are a line', '\r\r\n'], ['NUL and spaces', '\0\n \n'], ['skipped, then no LF', '\n\na'],
  ];
  for (const [name, body] of cases) {
    it(`gives the counted lines for ${name}`, () => {
      const expected = plainly(body);
      const { content, lines, longestBytes } = splitLines(Buffer.from(body, 'latin1'));
      expect(content.toString('latin1')).to.equal(expected.join(''));
      expect(lines).to.equal(expected.length);
      expect(longestBytes).to.equal(Math.max(0, ...expected.map((line) => line.length)));
      expect([...eachLine(content)].map(({ start, end }) => content.toString('latin1', start, end))).to.deep.equal(expected);
      expect(countLines(content)).to.equal(lines);
    });
  }

  it('agrees with the plain rule on all bodies of up to 7 bytes over LF, CR and a letter, and is idempotent', () => {
    const alphabet = ['\n', '\r', 'x'];
    let bodies = [''];
    for (let length = 0; length <= 7; length += 1) {
      for (const body of bodies) {
        const once = splitLines(Buffer.from(body));
        const expected = plainly(body);
        expect(once.content.toString(), JSON.stringify(body)).to.equal(expected.join(''));
        expect(once.lines).to.equal(expected.length);
        const again = splitLines(once.content);
        expect(again.content).to.equal(once.content);
        expect(again.lines).to.equal(once.lines);
      }
      bodies = bodies.flatMap((body) => alphabet.map((letter) => body + letter));
    }
  });

  it('keeps every byte value', () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const { content, lines } = splitLines(body);
    expect(lines).to.equal(2);
    expect(content.equals(Buffer.concat([body, Buffer.from('\n')]))).to.equal(true);
  });

  it('does not copy a body that is in the stored form already', () => {
    const body = Buffer.from('a\nbb\n');
    expect(splitLines(body).content).to.equal(body);
  });

  it('two requests without a last LF stay two lines when joined (schedule 24)', () => {
    const joined = Buffer.concat([splitLines(Buffer.from('a')).content, splitLines(Buffer.from('b')).content]);
    expect(splitLines(joined).lines).to.equal(2);
  });
});

describe('cutAtLineEnds', () => {
  it('cuts at line ends, keeps all bytes, and gives a long line a part of its own', () => {
    const content = Buffer.from(`aa\nbbb\n${'c'.repeat(20)}\ndd\ne\n`);
    const parts = cutAtLineEnds(content, 8);
    expect(parts.map(String)).to.deep.equal(['aa\nbbb\n', `${'c'.repeat(20)}\n`, 'dd\ne\n']);
    expect(Buffer.concat(parts).equals(content)).to.equal(true);
  });

  it('leaves short content whole', () => {
    const content = Buffer.from('aa\n');
    expect(cutAtLineEnds(content, 3)).to.deep.equal([content]);
  });
});
