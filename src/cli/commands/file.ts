import type { Command } from 'commander';
import { containsLine } from '../../archive/line-ranges';
import type { FileDescription } from '../../archive/files';
import { findFile, listFiles, type KeptFile } from '../../archive/volume-set';
import { NotFoundError } from '../../errors';
import { eachLine } from '../../lines';
import type { CommandContext } from '../context';
import { formatBytes, formatCount } from '../output';

export function addFileCommand(parent: Command, context: CommandContext): void {
  const file = parent.command('file').summary('list and export archived files')
    .description('Archived files: closed sequences of one source\'s lines.');
  addList(file, context);
  addShow(file, context);
  addExport(file, context);
}

function addList(file: Command, context: CommandContext): void {
  file.command('list').summary('list archived files')
    .description('Lists archived files, oldest first.')
    .option('--source <name>', 'only files of this source')
    .option('--json', 'one JSON object a line: id, Source, Lines, RemLines, Position, bytes, sha256')
    .action(async (options: { source?: string; json?: boolean }) => {
      const rows: string[][] = [['id', 'source', 'lines', 'remaining', 'indexed', 'size', 'closed']];
      for await (const description of listFiles(await context.services.volumes(), options.source)) {
        if (context.signal.aborted) break;
        if (options.json) context.output.json(summary(description));
        else rows.push(row(description));
        if (rows.length > 10_000) context.output.table(rows.splice(0));
      }
      if (!options.json) context.output.table(rows);
    });
}

function summary(file: FileDescription): Record<string, unknown> {
  return {
    id: file.id, Source: file.Source, Lines: file.Lines, RemLines: file.RemLines, Position: file.Position,
    bytes: file.bytes, storedBytes: file.storedBytes, sha256: file.sha256,
    closed: new Date(file.closedMs).toISOString(), gapLines: file.gapLines,
  };
}

function row(file: FileDescription): string[] {
  return [
    file.id, file.Source, formatCount(file.Lines), formatCount(file.RemLines), formatCount(file.Position),
    formatBytes(file.bytes), new Date(file.closedMs).toISOString(),
  ];
}

async function find(context: CommandContext, id: string): Promise<KeptFile> {
  const kept = /^[0-9a-f]{24}$/.test(id) ? await findFile(await context.services.volumes(), id) : undefined;
  if (kept === undefined) {
    throw new NotFoundError(`there is no file ${id}`, { remedy: '`resilog file list` shows the files that there are' });
  }
  return kept;
}

function addShow(file: Command, context: CommandContext): void {
  file.command('show').summary('show one file\'s metadata and state')
    .description('Shows a file\'s metadata, block table and state.')
    .argument('<id>', 'the file\'s id')
    .option('--json', 'one JSON object')
    .action(async (id: string, options: { json?: boolean }) => {
      const { volume, file: description } = await find(context, id);
      const state = await volume.states.get(id);
      const facts = {
        ...summary(description),
        phase: state?.phase, claim: state?.claim, attempts: state?.attempts, setAside: state?.setAside,
        definitions: state?.definitions, collection: state?.collection, blocks: description.blocks.length,
      };
      if (options.json) context.output.json({ ...facts, blocks: description.blocks });
      else for (const [key, value] of Object.entries(facts)) context.output.line(`${key.padEnd(12)} ${String(value)}`);
    });
}

function addExport(file: Command, context: CommandContext): void {
  file.command('export').summary('write a file\'s lines to standard output')
    .description('Writes the lines of an archived file, as they were received, to standard output; deleted lines are left out.')
    .argument('<id>', 'the file\'s id')
    .action(async (id: string) => {
      const { volume, file: description } = await find(context, id);
      const tombstones = (await volume.states.get(id))?.tombstones ?? [];
      for await (const block of volume.files.readBlocks(description, 0)) {
        if (tombstones.length === 0) {
          await context.output.bytes(block.raw);
          continue;
        }
        let line = block.firstLine;
        const kept: Buffer[] = [];
        for (const { start, end } of eachLine(block.raw)) {
          if (!containsLine(tombstones, line)) kept.push(block.raw.subarray(start, end));
          line += 1;
        }
        await context.output.bytes(Buffer.concat(kept));
      }
    });
}
