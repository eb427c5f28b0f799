import type { Command } from 'commander';
import type { CommandContext } from '../context';
import { addCheckCommand } from './normalizer-check';
import { addUserDefinitionCommands } from './normalizer-definitions';
import { addTryCommand } from './normalizer-try';
import { addUnparsedCommand } from './normalizer-unparsed';

export function addNormalizerCommand(parent: Command, context: CommandContext): void {
  const normalizer = parent.command('normalizer').summary('write, try and share definitions')
    .description('Normalizers: definitions of what is found in lines. See docs/writing-normalizers.md.');
  addTryCommand(normalizer, context);
  addCheckCommand(normalizer, context);
  addUserDefinitionCommands(normalizer, context);
  addUnparsedCommand(normalizer, context);
}
