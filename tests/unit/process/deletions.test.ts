import { expect } from 'chai';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { systemClock } from '../../../src/clock';
import { MemoryIndex } from '../../../src/index/memory-index';
import { limits } from '../../../src/limits';
import { deletionDependencies } from '../../../src/process/deletions';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { MemorySettings } from '../../../src/registry/memory-settings';

describe('the horizon of a deletion', () => {
  it('lasts as long as a body that was received may still be written, with the settings in force (schedule 45)', () => {
    const settings = new MemorySettings({ intake: { bodyTimeoutMs: 1_000 }, deletion: { clockSkewMs: 0 } });
    const dependencies = deletionDependencies({
      coordination: new MemoryCoordinationServer({ clock: systemClock }).connect(), clock: systemClock, settings,
      volumes: [new MemoryVolume()], index: new MemoryIndex(),
    });
    expect(dependencies.horizonMs).to.be.above(limits.laneWaitMs + limits.archiveWriteMs);
    const before = dependencies.horizonMs;
    settings.change({ deletion: { clockSkewMs: 30_000 } });
    expect(dependencies.horizonMs).to.equal(before + 30_000);
  });
});
