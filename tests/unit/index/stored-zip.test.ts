import { expect } from 'chai';
import { crc32 } from 'node:zlib';
import { storedZip } from '../../../src/index/stored-zip';

describe('stored zip', () => {
  it('has a central directory that leads to each file', () => {
    const files = [{ name: 'schema.xml', data: Buffer.from('<schema/>') }, { name: 'lang/x.txt', data: Buffer.alloc(0) }];
    const zip = storedZip(files);
    const end = zip.length - 22;
    expect(zip.subarray(end, end + 4).toString('latin1')).to.equal('PK\x05\x06');
    expect(zip.readUInt16LE(end + 10)).to.equal(2);
    let at = zip.readUInt32LE(end + 16);
    expect(at + zip.readUInt32LE(end + 12)).to.equal(end);
    for (const { name, data } of files) {
      expect(zip.subarray(at, at + 4).toString('latin1')).to.equal('PK\x01\x02');
      const nameLength = zip.readUInt16LE(at + 28);
      expect(zip.subarray(at + 46, at + 46 + nameLength).toString()).to.equal(name);
      expect(zip.readUInt32LE(at + 16)).to.equal(crc32(data));
      const local = zip.readUInt32LE(at + 42);
      expect(zip.subarray(local, local + 4).toString('latin1')).to.equal('PK\x03\x04');
      const content = local + 30 + zip.readUInt16LE(local + 26);
      expect(zip.subarray(content, content + data.length)).to.deep.equal(data);
      at += 46 + nameLength;
    }
  });

  it('depends on the content only', () => {
    const files = [{ name: 'a', data: Buffer.from('a') }];
    expect(storedZip(files)).to.deep.equal(storedZip(files));
  });
});
