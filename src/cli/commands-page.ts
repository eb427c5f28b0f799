import type { Argument, Command, Option } from 'commander';
import { exitCodeMeanings } from './exit-codes';

/** docs/commands.md: every command with its arguments and options, as its help has them. */
export function commandsPage(program: Command): string {
  return [
    '# Commands', '',
    'Made from the program\'s own help by `npm run commands-page`; a unit test keeps both alike.', '',
    `\`resilog\` ${lowerFirst(program.description())}`, '',
    ...optionRows(program), '',
    'Results go to standard output, everything about them to standard error. `--json` prints one JSON object, or one a line.',
    'Colour only on a terminal, and not with `NO_COLOR`.', '',
    '| exit code | meaning |', '| --- | --- |', ...exitCodeMeanings.map(([code, meaning]) => `| ${code} | ${meaning} |`), '',
    ...program.commands.flatMap((command) => section(command, 'resilog')),
  ].join('\n').trimEnd() + '\n';
}

function section(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`;
  const usage = [name, ...command.registeredArguments.map(argumentName)].join(' ');
  return [
    `## ${usage}`, '', command.description(), '',
    ...argumentRows(command.registeredArguments), ...optionRows(command),
    ...(command.registeredArguments.length + command.options.length === 0 ? [] : ['']),
    ...command.commands.flatMap((child) => section(child, name)),
  ];
}

function argumentName(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}…` : argument.name();
  return argument.required ? name : `[${name}]`;
}

function argumentRows(args: readonly Argument[]): string[] {
  return args.map((argument) => `- \`${argument.name()}\`: ${argument.description}`
    + (argument.defaultValue === undefined ? '' : ` (default \`${String(argument.defaultValue)}\`)`));
}

function optionRows(command: Command): string[] {
  return command.options.map((option) => `- \`${option.flags}\`: ${option.description}${remarks(option)}`);
}

function remarks(option: Option): string {
  const found = [
    ...(option.mandatory ? ['required'] : []),
    ...(option.argChoices === undefined ? [] : [`one of ${option.argChoices.join(', ')}`]),
    ...(option.defaultValue === undefined || typeof option.defaultValue === 'boolean' ? [] : [`default \`${String(option.defaultValue)}\``]),
  ];
  return found.length === 0 ? '' : ` (${found.join('; ')})`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
