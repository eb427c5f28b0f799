import { expect } from 'chai';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropProgress, openProgress, saveProgress } from '../../../src/cli/send-progress';
import { systemRandom } from '../../../src/random';

describe('the progress of sending a file', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-send-'));
    file = join(folder, 'lines');
    writeFileSync(file, 'a\nb\n');
  });

  afterEach(() => { rmSync(folder, { recursive: true }); });

  it('is stored before anything is sent: a kill within the first body repeats its key', () => {
    const first = openProgress(file, 'web', systemRandom);
    expect(openProgress(file, 'web', systemRandom)).to.deep.equal(first);
    dropProgress(file);
    expect(openProgress(file, 'web', systemRandom).run).not.to.equal(first.run);
  });

  it('covers the bytes of its start although the file grows: the last body is cut the same way again', () => {
    for (const content of ['short\n', `${'x'.repeat(5_000)}\n`]) {
      writeFileSync(file, content);
      const first = openProgress(file, 'web', systemRandom);
      appendFileSync(file, 'more\n');
      expect(openProgress(file, 'web', systemRandom)).to.deep.equal(first);
      expect(first.end).to.equal(content.length);
      dropProgress(file);
    }
  });

  it('begins anew for another source, another file, or one that became shorter', () => {
    const first = openProgress(file, 'web', systemRandom);
    saveProgress(file, { ...first, offset: 4 });
    expect(openProgress(file, 'other', systemRandom)).to.include({ offset: 0 });
    saveProgress(file, { ...first, offset: 4 });
    writeFileSync(file, 'a\n');
    expect(openProgress(file, 'web', systemRandom)).to.include({ offset: 0, end: 2 });
  });
});
