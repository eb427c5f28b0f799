import { crc32 } from 'node:zlib';

/** A file to put into an archive. Names are ASCII with `/` between folders. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Buffer;
}

/** 1980-01-01, the first day that the format knows: the archive depends on its content only. */
const DOS_DATE = 0x0021;

/** A zip archive without compression (PKWARE APPNOTE 4.3), for small sets of files. */
export function storedZip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data } of entries) {
    const encodedName = Buffer.from(name, 'ascii');
    // The fields that the local header and the central directory share: version 2.0 needed, no flags, stored.
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(DOS_DATE, 8);
    shared.writeUInt32LE(crc32(data), 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(data.length, 18);
    shared.writeUInt16LE(encodedName.length, 22);
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), shared, encodedName, data);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, tail, encodedName);
    offset += 4 + shared.length + encodedName.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
