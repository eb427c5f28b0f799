import { expect } from 'chai';
import { splitCsvLine } from '../../../src/normaliser/csv-line';

/** What is expected here is what Python's csv.reader gives. */
describe('splitCsvLine', () => {
  const split = (line: string): readonly string[] => splitCsvLine(line, ',', '"');

  it('takes fields with and without quotes', () => {
    expect(split('a,,"b,c","d ""e""",f"g"')).to.deep.equal(['a', '', 'b,c', 'd "e"', 'f"g"']);
    expect(split('"a"b,"c')).to.deep.equal(['ab', 'c']);
    expect(split('a, "b"')).to.deep.equal(['a', ' "b"']);
    expect(splitCsvLine("a;'b;c'", ';', "'")).to.deep.equal(['a', 'b;c']);
  });

  it('leaves out the ends of lines, and keeps them within quotes', () => {
    expect(split('a,b\r\n')).to.deep.equal(['a', 'b']);
    expect(split('a,"b\r\nc"')).to.deep.equal(['a', 'b\r\nc']);
  });

  it('gives nothing where csv.reader fails', () => {
    for (const line of ['a\rb,c', 'a,b\nc', 'a,\0b', `a,${'x'.repeat(131_073)}`]) expect(split(line)).to.deep.equal([]);
    expect(split(`a,${'x'.repeat(131_072)}`)).to.have.length(2);
  });
});
