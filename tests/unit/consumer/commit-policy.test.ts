import { expect } from 'chai';
import { Registry } from 'prom-client';
import { systemClock, type Clock } from '../../../src/clock';
import { CommitPolicy } from '../../../src/consumer/commit-policy';
import { createConsumerMetrics } from '../../../src/consumer/metrics';
import { UnavailableError } from '../../../src/errors';
import { MemoryIndex } from '../../../src/index/memory-index';
import { silentLog } from '../../../src/log';
import { MemorySettings } from '../../../src/registry/memory-settings';

/** Timers that run when the test says so. */
class ManualClock implements Clock {
  private timers: { at: number; callback: () => void }[] = [];
  private time = 0;

  now(): number { return this.time; }
  monotonic(): number { return this.time; }
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => { this.timer(delayMs, resolve); });
  }

  timer(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.time + delayMs, callback };
    this.timers.push(timer);
    return () => { this.timers = this.timers.filter((other) => other !== timer); };
  }

  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    await systemClock.sleep(1);
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((other) => other !== next);
      this.time = next.at;
      next.callback();
      await systemClock.sleep(1);
    }
    this.time = end;
  }
}

describe('CommitPolicy', () => {
  let clock: ManualClock;
  let commits: string[];
  let down: boolean;
  let policy: CommitPolicy;

  beforeEach(async () => {
    clock = new ManualClock();
    commits = [];
    down = false;
    const index = new MemoryIndex({
      faults: (effect, when) => {
        if (!effect.startsWith('index.commit.') || when === 'after') return;
        if (down) throw new UnavailableError('down');
        commits.push(`${effect.slice('index.commit.'.length)} ${clock.now()}`);
      },
    });
    await index.prepare('logs');
    const settings = new MemorySettings({
      consumer: { softCommitMs: 1_000, hardCommitMs: 5_000, commitDocuments: 10_000 },
    });
    const metrics = createConsumerMetrics(new Registry());
    policy = new CommitPolicy({ index, clock, log: silentLog, settings, metrics });
  });

  it('commits a while after the first document that needs it, and not without one', async () => {
    await clock.pass(10_000);
    policy.added('logs', 3);
    await clock.pass(900);
    policy.added('logs', 3);
    await clock.pass(10_000);
    expect(commits).to.deep.equal(['hard 15000']);
  });

  it('commits after many documents at once', async () => {
    for (let i = 0; i < 10; i += 1) policy.added('logs', 1_000);
    await clock.pass(10_000);
    expect(commits).to.deep.equal(['hard 0']);
  });

  it('tries again after a failure', async () => {
    down = true;
    policy.added('logs', 1);
    await clock.pass(5_500);
    expect(commits).to.deep.equal([]);
    down = false;
    await clock.pass(10_000);
    expect(commits).to.deep.equal(['hard 10000']);
  });

  it('commits nothing more when it is closed', async () => {
    policy.added('logs', 1);
    policy.close();
    await clock.pass(10_000);
    expect(commits).to.deep.equal([]);
  });

  it('gives an index that commits slowly no backlog', async () => {
    let release: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => { release = resolve; });
    const asked: string[] = [];
    const slow = new MemoryIndex({
      faults: async (effect, when) => {
        if (!effect.startsWith('index.commit.') || when === 'after') return;
        asked.push(effect.slice('index.commit.'.length));
        await answered;
      },
    });
    await slow.prepare('logs');
    const settings = new MemorySettings({
      consumer: { softCommitMs: 100, hardCommitMs: 1_000, commitDocuments: 10_000 },
    });
    const metrics = createConsumerMetrics(new Registry());
    const busy = new CommitPolicy({ index: slow, clock, log: silentLog, settings, metrics });
    for (let i = 0; i < 40; i += 1) {
      busy.added('logs', 1);
      await clock.pass(100);
    }
    expect(asked).to.deep.equal(['hard']);
    release();
    await clock.pass(0);
    expect(asked, 'all that was asked for meanwhile is one commit').to.deep.equal(['hard', 'hard']);
  });
});
