import { expect } from 'chai';
import { NotFoundError } from '../../../src/errors';
import { closingFile, collect, lineBodies, newId, rejection } from './samples';
import { describeVolumes } from './volumes';

describeVolumes('files', (open) => {
  it('describes a file as it was closed', async () => {
    const file = await closingFile(250);
    await open().states.close([file]);
    expect(await open().files.describe(file.state.id)).to.deep.equal(file.description);
    expect(await open().files.describe(newId())).to.equal(undefined);
    expect(await open().files.describe('no id')).to.equal(undefined);
  });

  it('reads all blocks, or those from a line on', async () => {
    const file = await closingFile(30_000);
    await open().states.close([file]);
    expect(file.description.blocks.length).to.be.greaterThan(2);
    const blocks = await collect(open().files.readBlocks(file.description, 0));
    expect(Buffer.concat(blocks.map(({ raw }) => raw)).toString()).to.equal(lineBodies(30_000));
    const from = file.description.blocks[1]?.firstLine ?? 0;
    const rest = await collect(open().files.readBlocks(file.description, from + 5));
    expect(rest[0]?.firstLine).to.equal(from);
    expect(rest).to.have.length(blocks.length - 1);
    expect(await collect(open().files.readBlocks(file.description, 30_000))).to.deep.equal([]);
  });

  it('reads one line', async () => {
    const file = await closingFile(20_000);
    await open().states.close([file]);
    for (const line of [0, 1, 9_999, 19_999]) {
      expect((await open().files.readLine(file.description, line)).toString()).to.equal(lineBodies(1, line));
    }
    expect(await rejection(open().files.readLine(file.description, 20_000))).to.be.instanceOf(NotFoundError);
    expect(await rejection(open().files.readLine(file.description, -1))).to.be.instanceOf(NotFoundError);
  });

  it('lists by source in pages', async () => {
    const sourceId = newId();
    const files = await Promise.all([1, 2, 3].map(() => closingFile(2, { sourceId })));
    await open().states.close(files);
    const ids = files.map(({ state }) => state.id).sort();
    const listed = await open().files.list({ sourceId, limit: 10 });
    expect(listed.map(({ id }) => id)).to.deep.equal(ids);
    const page = await open().files.list({ sourceId, limit: 1, after: ids[0] ?? '' });
    expect(page.map(({ id }) => id)).to.deep.equal(ids.slice(1, 2));
    expect(await open().files.list({ sourceName: 'nobody', limit: 10 })).to.deep.equal([]);
    expect((await open().files.list({ sourceName: 'alpha', limit: 1 })).length).to.equal(1);
  });

  it('holds an empty file with a gap', async () => {
    const file = await closingFile(0);
    await open().states.close([file]);
    const description = await open().files.describe(file.state.id);
    expect(description?.Lines).to.equal(0);
    expect(await collect(open().files.readBlocks(file.description, 0))).to.deep.equal([]);
  });
});
