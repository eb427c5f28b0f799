import { expect } from 'chai';
import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandsPage } from '../../../src/cli/commands-page';
import type { CommandContext } from '../../../src/cli/context';
import { ExitCode } from '../../../src/cli/exit-codes';
import { createProgram } from '../../../src/cli/program';
import { commands } from '../../../src/process/main';
import { loadSchema, programFolder } from '../../../src/schemas';

const program = createProgram('1.0.0', commands, {} as CommandContext);

/** Commands that run until they are stopped, or write lines as they are. */
const WITHOUT_JSON = new Set([
  'resilog producer', 'resilog consumer', 'resilog launch', 'resilog turn', 'resilog file export',
]);

function* walk(command: Command, parent = ''): Generator<readonly [string, Command]> {
  const name = `${parent}${command.name()}`;
  yield [name, command];
  for (const child of command.commands) yield* walk(child, `${name} `);
}

describe('every command', () => {
  for (const [name, command] of walk(program)) {
    it(`${name} says what it does, what it wants and what it can`, () => {
      expect(command.description(), 'description').to.match(/^[A-Z].*[.)]$/s);
      if (command !== program) expect(command.summary(), 'summary').to.match(/^[a-z].*[^.]$/);
      for (const argument of command.registeredArguments) expect(argument.description, argument.name()).to.not.equal('');
      for (const option of command.options) expect(option.description, option.flags).to.match(/\S/);
      expect(command.helpInformation()).to.include(name.split(' ').at(-1));
      if (command.commands.length === 0 && !WITHOUT_JSON.has(name)) {
        expect(command.options.map(({ long }) => long), '--json').to.include('--json');
      }
    });
  }

  it('is on docs/commands.md as the program has it', () => {
    const page = readFileSync(join(programFolder, 'docs', 'commands.md'), 'utf8');
    expect(page, 'run `npm run commands-page`').to.equal(commandsPage(program));
  });

  it('ends with codes that the page and the help list', () => {
    const page = readFileSync(join(programFolder, 'docs', 'commands.md'), 'utf8');
    for (const code of Object.values(ExitCode)) expect(page).to.include(`| ${code} |`);
  });
});

describe('docs/operating.md', () => {
  it('describes every key of a process\'s configuration file', () => {
    const page = readFileSync(join(programFolder, 'docs', 'operating.md'), 'utf8');
    const { properties } = loadSchema('process').document as { properties: Record<string, { default?: string }> };
    for (const [key, { default: value }] of Object.entries(properties)) {
      const row = new RegExp(`^\\| \`${key}\` \\|.*\\|$`, 'm').exec(page)?.[0];
      expect(row, `a row for ${key}`).to.be.a('string');
      if (value !== undefined) expect(row).to.include(`\`${value}\``);
    }
  });
});
