import type { Command } from 'commander';
import { InputError } from '../../errors';
import { nearest } from '../../nearest';
import type { Settings } from '../../registry/settings';
import { changeSettings, readSettings } from '../../registry/settings-store';
import { describeSettings } from '../../registry/settings-schema';
import type { CommandContext } from '../context';

export function addConfigCommand(parent: Command, context: CommandContext): void {
  const config = parent.command('config').summary('show and change settings')
    .description('Settings that reach running producers and consumers within two seconds. See docs/specs/settings.md.');
  config.command('list', { isDefault: true }).summary('show all settings')
    .option('--json', 'one JSON object, as it may be given to `config set`')
    .action(async (options: { json?: boolean }) => {
      const stored = await readSettings(await context.services.coordination());
      if (stored.problem !== undefined) {
        context.output.note(`What is stored can't be used: ${stored.problem}. Processes keep their last good settings.`);
      }
      if (options.json) {
        context.output.json({ version: stored.version, settings: stored.settings });
        return;
      }
      const rows = describeSettings().map(({ name, description }) => {
        const changed = valueAt(stored.changes, name) !== undefined;
        return [name, JSON.stringify(valueAt(stored.settings, name)), changed ? 'changed' : '', description];
      });
      context.output.table([['setting', 'value', '', 'meaning'], ...rows]);
      context.output.line(`version ${stored.version}`);
    });
  config.command('get').summary('show one setting')
    .argument('<name>', 'e.g. files.maxAgeMs')
    .option('--json', 'as JSON')
    .action(async (name: string, options: { json?: boolean }) => {
      mustBeKnown(name);
      const { settings } = await readSettings(await context.services.coordination());
      const value = valueAt(settings, name);
      if (options.json) context.output.json({ name, value });
      else context.output.line(typeof value === 'string' ? value : JSON.stringify(value));
    });
  config.command('set').summary('change settings')
    .description('Changes one or more settings at once. A wrong value is refused and nothing is changed.')
    .argument('<assignment...>', 'name=value, e.g. files.maxAgeMs=5000; a value is JSON, or a bare word')
    .option('--json', 'one JSON object: version and settings')
    .action(async (assignments: string[], options: { json?: boolean }) => {
      await change(context, assignments.map(parseAssignment), options.json === true);
    });
  config.command('reset').summary('take settings back to their defaults')
    .argument('<name...>', 'e.g. files.maxAgeMs')
    .option('--json', 'one JSON object: version and settings')
    .action(async (names: string[], options: { json?: boolean }) => {
      await change(context, names.map((name) => ({ name, value: null })), options.json === true);
    });
}

interface Assignment {
  readonly name: string;
  readonly value: unknown;
}

function parseAssignment(text: string): Assignment {
  const at = text.indexOf('=');
  if (at <= 0) throw new InputError(`"${text}" is not an assignment`, { remedy: 'write it as name=value, e.g. files.maxAgeMs=5000' });
  return { name: text.slice(0, at), value: parseValue(text.slice(at + 1)) };
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A bare word is a string, so that names need no quotes within quotes.
    return text;
  }
}

async function change(context: CommandContext, assignments: readonly Assignment[], json: boolean): Promise<void> {
  const patch: Record<string, Record<string, unknown>> = {};
  for (const { name, value } of assignments) {
    mustBeKnown(name);
    const [group = '', key = ''] = name.split('.');
    (patch[group] ??= {})[key] = value;
  }
  const stored = await changeSettings(await context.services.coordination(), patch);
  if (json) context.output.json({ version: stored.version, settings: stored.settings });
  else {
    for (const { name } of assignments) context.output.line(`${name} = ${JSON.stringify(valueAt(stored.settings, name))}`);
    context.output.note(`Settings version ${stored.version}.`);
  }
}

function mustBeKnown(name: string): void {
  const known = describeSettings().map((setting) => setting.name);
  if (known.includes(name)) return;
  const guess = nearest(name, known);
  throw new InputError(`there is no setting "${name}"${guess === undefined ? '' : `, did you mean "${guess}"?`}`, {
    remedy: '`resilog config list` shows all',
  });
}

function valueAt(settings: Settings | Readonly<Record<string, unknown>>, name: string): unknown {
  const [group = '', key = ''] = name.split('.');
  return (settings as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>)[group]?.[key];
}
