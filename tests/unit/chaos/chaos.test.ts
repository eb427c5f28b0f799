import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lines } from '../../chaos/lines';
import { ObligationRecord, readObligations } from '../../chaos/obligations';
import { scheduleOf } from '../../chaos/schedule';

describe('what the chaos run is made of', () => {
  it('gives the same faults for the same seed, and others for another', () => {
    expect(scheduleOf(7, 600_000)).to.deep.equal(scheduleOf(7, 600_000));
    expect(scheduleOf(7, 600_000)).not.to.deep.equal(scheduleOf(8, 600_000));
  });

  it('has every kind of fault within ten minutes, in order, and none beyond the end', () => {
    const faults = scheduleOf(1, 600_000);
    const kindsOf = (of: typeof faults): ReadonlySet<string> => new Set(of.map(({ kind }) => kind));
    expect(kindsOf(faults)).to.deep.equal(kindsOf(scheduleOf(2, 3_600_000)));
    expect(faults.map(({ atMs }) => atMs)).to.deep.equal(faults.map(({ atMs }) => atMs).sort((a, b) => a - b));
    expect(faults.every(({ atMs, forMs }) => atMs + forMs <= 600_000)).to.equal(true);
  });

  it('knows its own lines, and that a changed one is not its own', () => {
    const lines = new Lines(3);
    const name = { client: 2, request: 17, line: 4 };
    const text = lines.text(name);
    expect(lines.nameOf(text)).to.deep.equal(name);
    expect(lines.nameOf(`${text} `)).to.equal(undefined);
    expect(lines.nameOf(text.replace('17', '18'))).to.equal(undefined);
    expect(new Lines(4).nameOf(text)).to.equal(undefined);
    const [, obligation, check, message] = /obligation=(\S+) check=(\S+) msg="(.*)"$/.exec(text) ?? [];
    const tags = { logfmt_obligation: obligation, logfmt_check: check, logfmt_msg: message };
    expect(lines.nameOfTags(tags)).to.deep.equal(name);
    expect(lines.nameOfTags({ ...tags, logfmt_msg: 'another' })).to.equal(undefined);
  });

  it('reads back what clients were promised: an attempt without an answer may be there, a keyed one once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'resilog-obligations-'));
    try {
      const record = await ObligationRecord.create(join(folder, 'record'));
      await Promise.all([record.write('sent', 0, 0, 5, false), record.write('sent', 1, 0, 3, true)]);
      await record.write('sent', 0, 0, 5, false);
      await record.write('sent', 1, 0, 3, true);
      await record.write('acknowledged', 0, 0, 5, false);
      await record.write('sent', 0, 1, 9, false);
      await record.close();
      expect(await readObligations(join(folder, 'record'))).to.deep.equal([
        [{ lines: 5, least: 1, most: 2 }, { lines: 9, least: 0, most: 1 }],
        [{ lines: 3, least: 0, most: 1 }],
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
