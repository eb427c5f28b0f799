import type { Command } from 'commander';
import { InputError, NotFoundError } from '../../errors';
import { containsLine } from '../../archive/line-ranges';
import { findFile } from '../../archive/volume-set';
import type { CommandContext } from '../context';
import { printable } from '../output';

/** Splits `<fileId>!<line>`. */
export function parseLineId(id: string): { fileId: string; line: number } {
  const match = /^([0-9a-f]{24})!(\d{1,7})$/.exec(id);
  if (match?.[1] === undefined) {
    throw new InputError(`"${id}" is not a line's id`, { remedy: 'copy it from a search hit: 24 hex digits, "!", the line number' });
  }
  return { fileId: match[1], line: Number(match[2]) };
}

export function addShowCommand(parent: Command, context: CommandContext): void {
  parent
    .command('show')
    .summary('print an archived line as it was received')
    .description('Prints the original line from the archive, by the id that a search hit carries.')
    .argument('<id>', '<file id>!<line number>')
    .option('--raw', 'the line\'s bytes exactly as archived, with its line end')
    .option('--json', 'one JSON object: id, file, line, source, received, text, base64')
    .action(async (id: string, options: { raw?: boolean; json?: boolean }) => {
      const { fileId, line } = parseLineId(id);
      const kept = await findFile(await context.services.volumes(), fileId);
      const state = await kept?.volume.states.get(fileId);
      // A deleted line is shown by no command, even while the other lines of its file remain.
      const deleted = state !== undefined && containsLine(state.tombstones, line);
      if (kept === undefined || line >= kept.file.Lines || deleted) {
        throw new NotFoundError(`no line ${id} is archived`, { remedy: 'it may have been deleted; search again' });
      }
      const { file, volume } = kept;
      const bytes = await volume.files.readLine(file, line);
      if (options.raw) {
        await context.output.bytes(bytes);
      } else if (options.json) {
        const text = bytes.toString('utf8').replace(/\r?\n$/, '');
        context.output.json({ id, fileID: fileId, line, source: file.Source, text, base64: bytes.toString('base64') });
      } else {
        context.output.line(printable(bytes.toString('utf8').replace(/\r?\n$/, '')));
      }
    });
}
