import { expect } from 'chai';
import { BufferPool, FULL_BYTES } from '../../../src/producer/buffer-pool';

const KiB = 1024;
const MiB = 1024 * KiB;

describe('pool of buffers', () => {
  it('hands out again what was given back', () => {
    const pool = new BufferPool(() => 32 * MiB);
    const buffer = pool.take(MiB);
    pool.give(buffer);
    expect(pool.take(MiB)).to.equal(buffer);
    expect(pool.take(MiB)).not.to.equal(buffer);
  });

  it('frees what is beyond the budget at once, without waiting for the collector', () => {
    let room = 4 * MiB;
    const pool = new BufferPool(() => room);
    const buffers = Array.from({ length: 4 }, () => pool.take(MiB));
    for (const buffer of buffers) pool.give(buffer);
    room = MiB;
    const taken = pool.take(2 * MiB);
    expect(taken.length).to.equal(2 * MiB);
    expect(buffers.map(({ length }) => length).sort((a, b) => a - b)).to.deep.equal([0, 0, 0, MiB]);
  });

  it('frees at once what has a capacity that nobody asks for', () => {
    const pool = new BufferPool(() => 32 * MiB);
    const buffer = Buffer.allocUnsafeSlow(100 * KiB);
    pool.give(buffer);
    expect(buffer.length).to.equal(0);
  });

  it('never touches a small buffer, which may be part of a shared one', () => {
    const pool = new BufferPool(() => 0);
    const small = pool.take(100);
    const neighbour = Buffer.allocUnsafe(100).fill(7);
    pool.give(small);
    pool.take(MiB);
    expect(small.length).to.equal(100);
    expect(neighbour.every((byte) => byte === 7)).to.equal(true);
  });

  it('has few capacities, each at most half as much again as asked for', () => {
    const pool = new BufferPool(() => 0);
    for (let bytes = 64 * KiB; bytes < FULL_BYTES; bytes = Math.ceil(bytes * 1.1)) {
      const capacity = pool.capacityFor(bytes);
      expect(capacity).to.be.at.least(bytes);
      expect(capacity).to.be.at.most(1.5 * bytes);
      expect(pool.capacityFor(capacity)).to.equal(capacity);
    }
  });
});
