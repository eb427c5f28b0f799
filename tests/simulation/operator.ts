import { PassThrough } from 'node:stream';
import { addQueueCommand } from '../../src/cli/commands/queue';
import { addSetAsideCommand } from '../../src/cli/commands/set-aside';
import type { CommandContext, Services } from '../../src/cli/context';
import { createOutput } from '../../src/cli/output';
import { createProgram, runProgram } from '../../src/cli/program';
import type { IndexQuery } from '../../src/index/ports';
import { createQueueAdministration } from '../../src/queue/queue-administration';
import { createQueueProducer } from '../../src/queue/queue-producer';
import { createDeletion } from '../../src/retention/deletion';
import { Node } from './node';

const AGAIN_MS = 2_000;

/** A person at the command line: repeats a command until it says that all is done. */
export class OperatorNode extends Node {
  override stop(): Promise<void> {
    return Promise.resolve();
  }

  /** What was set aside or given up is to be indexed after all. */
  async replay(): Promise<void> {
    await this.run('queue', 'replay', '--all');
    await this.run('set-aside', 'replay');
  }

  /** Lines that match and were received so far are to be deleted. */
  async delete(query: IndexQuery): Promise<void> {
    await createDeletion(query, 'simulation', { ...this.options, deletions: this.around.volume.deletions });
  }

  private async run(...argv: string[]): Promise<void> {
    const { clock } = this.options;
    for (;;) {
      const output = createOutput({ stdout: new PassThrough(), stderr: new PassThrough(), environment: {} });
      const context = { ...this.options, output, services: this.services(), signal: new AbortController().signal };
      const program = createProgram('0', [addQueueCommand, addSetAsideCommand], context as unknown as CommandContext);
      if (await runProgram(program, argv, output) === 0) return;
      await clock.sleep(AGAIN_MS);
    }
  }

  private services(): Services {
    const { coordination, volume, index, options } = this;
    const queue = {
      ...createQueueAdministration(coordination), ...createQueueProducer({ ...options, coordination }),
    };
    return {
      volumes: () => Promise.resolve([volume]), deletions: () => Promise.resolve(volume.deletions),
      queue: () => Promise.resolve(queue), index: () => Promise.resolve(index),
    } as unknown as Services;
  }
}

