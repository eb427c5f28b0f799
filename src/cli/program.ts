import { Command, CommanderError } from 'commander';
import { ResilogError, messageOf } from '../errors';
import { nearest } from '../nearest';
import type { AddCommand, CommandContext } from './context';
import { ExitCode, exitCodeMeanings, exitCodeOf } from './exit-codes';
import type { Output } from './output';

const HELP_END = [
  '', 'Exit codes:', ...exitCodeMeanings.map(([code, meaning]) => `  ${String(code).padEnd(2)}  ${meaning}`),
  '', 'A command finds its cluster by --config, else RESILOG_CONFIG, else the local', 'cluster of its checkout.',
].join('\n');

/** The whole command line. Commands are added by their factories, so that each knows its own options only. */
export function createProgram(version: string, commands: readonly AddCommand[], context: CommandContext): Command {
  const program = new Command('resilog')
    .description('Collects log lines so that an acknowledged line is on a majority of disks and is indexed exactly once.')
    .version(version, '-V, --version', 'print the version')
    .option('--config <file>', 'configuration file of the cluster to use (see schemas/process.json)')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError('(--help shows what there is)')
    .showSuggestionAfterError(true)
    .addHelpText('after', HELP_END);
  for (const add of commands) add(program, context);
  configure(program, context.output);
  return program;
}

/** Errors are thrown, never exited on; texts go to the injected output. */
function configure(command: Command, output: Output): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => { output.line(text.trimEnd()); },
    writeErr: (text) => { output.note(text.trimEnd()); },
  });
  // A command that its summary says all of needs no longer description.
  const summary = command.summary();
  if (command.description() === '') command.description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`);
  for (const child of command.commands) configure(child, output);
}

/** Runs one command line to its end. Returns the exit code; never throws. */
export async function runProgram(program: Command, argv: readonly string[], output: Output): Promise<ExitCode> {
  try {
    await program.parseAsync(argv, { from: 'user' });
    return ExitCode.ok;
  } catch (error) {
    if (error instanceof CommanderError) return explainUsage(program, argv, error, output);
    report(error, output);
    return exitCodeOf(error);
  }
}

function explainUsage(program: Command, argv: readonly string[], error: CommanderError, output: Output): ExitCode {
  if (error.exitCode === 0) return ExitCode.ok;
  if (error.code === 'commander.unknownCommand') {
    const guess = nearest(argv[0] ?? '', program.commands.map((command) => command.name()));
    if (guess !== undefined && !error.message.includes('Did you mean')) output.note(`Did you mean ${guess}?`);
  }
  return ExitCode.usage;
}

/** One sentence on what is wrong and one on what to do; a stack only for our own defects. */
export function report(error: unknown, output: Output): void {
  if (error instanceof ResilogError) {
    output.note(`resilog: ${error.message}`);
    if (error.remedy !== undefined) output.note(`  ${error.remedy}`);
    return;
  }
  output.note(`resilog: a defect of ours: ${messageOf(error)}`);
  if (error instanceof Error && error.stack !== undefined) output.note(error.stack);
}
