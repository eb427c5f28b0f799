import { expect } from 'chai';
import { PassThrough } from 'node:stream';
import { addQueueCommand } from '../../../src/cli/commands/queue';
import { addSetAsideCommand } from '../../../src/cli/commands/set-aside';
import type { CommandContext, Services } from '../../../src/cli/context';
import { createOutput } from '../../../src/cli/output';
import { createProgram, runProgram } from '../../../src/cli/program';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { DeletionWorld } from '../retention/deletion-world';

const DEAD = 'a'.repeat(24);
const REFUSED = 'b'.repeat(24);

describe('replaying lines that a finished deletion never met (schedule 48: they must not come back)', () => {
  let world: DeletionWorld;
  let events: string[];

  beforeEach(async () => {
    world = new DeletionWorld();
    events = [];
    await world.close({ id: DEAD, lines: ['secret'], receivedMs: world.clock.now() });
    await world.close({ id: REFUSED, lines: ['secret', 'other'], receivedMs: world.clock.now() });
    const { states, deletions } = world.volume;
    const taken = await states.claim(DEAD, world.clock.now());
    await states.giveUp(DEAD, taken?.claim ?? 0, 'poison');
    await states.setAside({ fileId: REFUSED, line: 0, reason: 'refused', atMs: world.clock.now() });
    await deletions.create({
      id: 'd', query: { text: 'secret' }, throughMs: world.clock.now() + 1, requestedBy: 'x', state: 'done', lanes: [],
      lines: 0, files: 0, lastPassMs: 1, revision: 0,
    });
  });

  /** Records what happens to the file and to the deletion, in order. */
  async function run(...argv: string[]): Promise<number> {
    const { states, deletions } = world.volume;
    const note = async (what: string): Promise<void> => {
      events.push(`${what}: deletion ${(await deletions.get('d'))?.state ?? 'lost'}`);
    };
    const volume = {
      states: {
        get: states.get.bind(states),
        setAsideLines: states.setAsideLines.bind(states),
        revive: async (id: string, nowMs: number) => {
          await note('revived');
          return states.revive(id, nowMs);
        },
        restart: async (id: string, claim: number, nowMs: number) => {
          await note('restarted');
          return states.restart(id, claim, nowMs);
        },
      },
    };
    const queue = {
      put: async (ids: readonly string[]) => { events.push(`queued ${ids.join(' ')}`); }, unbury: async () => undefined,
    };
    // The files are in the second volume, the requests to delete in the first.
    const volumes = [new MemoryVolume({ name: 'empty' }), volume];
    const services = {
      volumes: async () => volumes, deletions: async () => deletions, queue: async () => queue,
    } as unknown as Services;
    const output = createOutput({ stdout: new PassThrough(), stderr: new PassThrough(), environment: {} });
    const context = {
      output, services, clock: world.clock, signal: new AbortController().signal,
    } as unknown as CommandContext;
    return runProgram(createProgram('0', [addQueueCommand, addSetAsideCommand], context), argv, output);
  }

  it('of a dead letter: the deletion is pending before the file is revived', async () => {
    expect(await run('queue', 'replay', DEAD)).to.equal(0);
    expect(events).to.deep.equal(['revived: deletion pending', `queued ${DEAD}`]);
  });

  it('of set-aside lines: the deletion is pending before the file is indexed again', async () => {
    expect(await run('set-aside', 'replay')).to.equal(0);
    expect(events).to.deep.equal(['restarted: deletion pending', `queued ${REFUSED}`]);
  });

  it('changes no deletion for a file that is not dead', async () => {
    expect(await run('queue', 'replay', REFUSED)).to.equal(0);
    expect(events).to.deep.equal(['revived: deletion done']);
  });
});
