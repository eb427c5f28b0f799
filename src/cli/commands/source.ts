import type { Command } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError, messageOf } from '../../errors';
import { faultPoint } from '../../fault-points';
import type { IssuedCertificate } from '../../registry/certificates';
import type { Source } from '../../registry/ports';
import type { SourceOptions } from '../../registry/source-document';
import { DEFAULT_OVERLAP_HOURS } from '../../registry/source-registry';
import type { CommandContext } from '../context';
import { parseDuration } from '../time';

interface OptionFlags {
  readonly index?: boolean;
  readonly certificateOnly?: boolean;
  readonly timeZone?: string;
  readonly bytesPerSecond?: string;
  readonly requestsPerSecond?: string;
}

export function addSourceCommand(parent: Command, context: CommandContext): void {
  const source = parent.command('source').summary('declare who may send lines')
    .description('Sources: declared senders, each with a certificate and the key that derives from it.');
  addAdd(source, context);
  addList(source, context);
  addShow(source, context);
  addRotate(source, context);
  addSet(source, context);
  addSwitches(source, context);
}

function withOptionFlags(command: Command): Command {
  return command
    .option('--no-index', 'archive only: lines are kept but never indexed')
    .option('--index', 'index the lines (the default)')
    .option('--certificate-only', 'accept only its TLS client certificate, never the key')
    .option('--no-certificate-only', 'accept key and certificate (the default)')
    .option('--time-zone <zone>', 'IANA name of the zone in which dates without one are read, e.g. Europe/Paris')
    .option('--bytes-per-second <n>', 'quota; 0 takes it away')
    .option('--requests-per-second <n>', 'quota; 0 takes it away');
}

function parseFlags(flags: OptionFlags, command: Command): SourceOptions {
  const given = (name: string): boolean => command.getOptionValueSource(name) === 'cli';
  const number = (name: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isFinite(value) || value < 0 || text.trim() === '') throw new InputError(`${name} is "${text}", but has to be a number, 0 or more`);
    return value;
  };
  const bytesPerSecond = number('--bytes-per-second', flags.bytesPerSecond);
  const requestsPerSecond = number('--requests-per-second', flags.requestsPerSecond);
  const quotas = {
    ...(bytesPerSecond === undefined || bytesPerSecond === 0 ? {} : { bytesPerSecond }),
    ...(requestsPerSecond === undefined || requestsPerSecond === 0 ? {} : { requestsPerSecond }),
  };
  return {
    ...(given('index') && flags.index !== undefined ? { indexed: flags.index } : {}),
    ...(given('certificateOnly') && flags.certificateOnly !== undefined ? { certificateOnly: flags.certificateOnly } : {}),
    ...(flags.timeZone === undefined ? {} : { timeZone: flags.timeZone }),
    ...(bytesPerSecond === undefined && requestsPerSecond === undefined ? {} : { quotas }),
  };
}

interface IssueOptions {
  readonly out?: string;
  readonly json?: boolean;
}

/** Certificate and private key are written before the key becomes usable, and nowhere else than where asked. */
function writerOf(name: string, options: IssueOptions): ((issued: IssuedCertificate) => Promise<void>) | undefined {
  const { out } = options;
  if (out === undefined) return undefined;
  return async (issued) => {
    try {
      await mkdir(out, { recursive: true });
      await writeFile(join(out, `${name}.crt`), issued.certificatePem, { mode: 0o644 });
      faultPoint('sources.certificate-half-written');
      await writeFile(join(out, `${name}.key`), issued.privateKeyPem, { mode: 0o600 });
    } catch (error) {
      throw new InputError(`the certificate can't be written to ${resolve(out)}: ${messageOf(error)}`, { cause: error });
    }
  };
}

async function printIssued(context: CommandContext, source: Source, key: string, options: IssueOptions): Promise<void> {
  const destinations = await context.services.destinations();
  const urls = destinations.map(({ url }) => `${url}${key}`);
  if (options.json) {
    context.output.json({ name: source.name, key, urls, id: source.id });
    return;
  }
  const { output } = context;
  output.line(`source ${source.name}`);
  output.line(`key    ${key}`);
  for (const url of urls) output.line(`url    ${url}`);
  if (options.out !== undefined) output.line(`files  ${join(options.out, `${source.name}.crt`)}, ${join(options.out, `${source.name}.key`)}`);
  output.note(urls.length === 0 ? 'No producer is up; `resilog status` shows what is.' : 'The key is shown this once. Who has it can send as this source.');
}

function addAdd(source: Command, context: CommandContext): void {
  withOptionFlags(source.command('add').summary('declare a source and print its key'))
    .description('Declares a source: makes its certificate, derives its key and prints the key, once.')
    .argument('<name>', 'name of the source')
    .option('--out <folder>', 'write <name>.crt and <name>.key (PEM) there')
    .option('--json', 'one JSON object: name, key, urls, id')
    .action(async (name: string, options: IssueOptions & OptionFlags, command: Command) => {
      const sources = await context.services.sources();
      const issued = await sources.add(name, parseFlags(options, command), writerOf(name, options));
      await printIssued(context, issued.source, issued.key, options);
    });
}

function addRotate(source: Command, context: CommandContext): void {
  source.command('rotate').summary('give a source another key')
    .description('Gives a source another certificate and key; the former ones stay valid for the overlap.')
    .argument('<name>', 'name of the source')
    .option('--overlap <duration>', 'how long both keys are valid, e.g. 0h, 24h, 7d', `${DEFAULT_OVERLAP_HOURS}h`)
    .option('--out <folder>', 'write <name>.crt and <name>.key (PEM) there')
    .option('--json', 'one JSON object: name, key, urls, id')
    .action(async (name: string, options: IssueOptions & { overlap: string }) => {
      const sources = await context.services.sources();
      const overlapHours = parseDuration(options.overlap) / 3_600_000;
      const issued = await sources.rotate(name, overlapHours, writerOf(name, options));
      await printIssued(context, issued.source, issued.key, options);
    });
}

/** Without the keys: they are credentials, shown only when they are made. */
function publicFacts(source: Source): Record<string, unknown> {
  const { keys, ...facts } = source;
  return { ...facts, keys: keys.map(({ key, ...rest }) => ({ fingerprint: `${key.slice(0, 8)}…`, ...rest })) };
}

function addList(source: Command, context: CommandContext): void {
  source.command('list').summary('list the sources')
    .option('--json', 'one JSON object a line')
    .action(async (options: { json?: boolean }) => {
      const sources = await (await context.services.sources()).list();
      if (options.json) {
        for (const one of sources) context.output.json(publicFacts(one));
        return;
      }
      context.output.table([
        ['source', 'state', 'indexed', 'authentication', 'keys', 'declared'],
        ...sources.map((one) => [
          one.name, one.enabled ? 'enabled' : 'disabled', one.indexed ? 'yes' : 'archive only',
          one.certificateOnly ? 'certificate' : 'key or certificate', String(one.keys.length), one.createdAt,
        ]),
      ]);
    });
}

function addShow(source: Command, context: CommandContext): void {
  source.command('show').summary('show one source')
    .argument('<name>', 'name of the source')
    .option('--json', 'one JSON object')
    .action(async (name: string, options: { json?: boolean }) => {
      const facts = publicFacts(await (await context.services.sources()).show(name));
      if (options.json) context.output.json(facts);
      else for (const [key, value] of Object.entries(facts)) context.output.line(`${key.padEnd(16)} ${printFact(value)}`);
    });
}

function printFact(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function addSet(source: Command, context: CommandContext): void {
  withOptionFlags(source.command('set').summary('change options of a source'))
    .description('Changes options of a source; what is not named stays.')
    .argument('<name>', 'name of the source')
    .option('--json', 'one JSON object')
    .action(async (name: string, options: OptionFlags & { json?: boolean }, command: Command) => {
      const changes = parseFlags(options, command);
      if (Object.keys(changes).length === 0) throw new InputError('no option is named', { remedy: '`resilog source set --help` lists them' });
      const changed = await (await context.services.sources()).setOptions(name, changes);
      if (options.json) context.output.json(publicFacts(changed));
      else context.output.line(`${name} is changed.`);
    });
}

function addSwitches(source: Command, context: CommandContext): void {
  for (const [verb, summary] of [
    ['disable', 'refuse a source\'s lines for now'], ['enable', 'take a source\'s lines again'],
    ['remove', 'forget a source; its lines stay'],
  ] as const) {
    source.command(verb).summary(summary).argument('<name>', 'name of the source')
      .option('--json', 'one JSON object')
      .action(async (name: string, options: { json?: boolean }) => {
        const sources = await context.services.sources();
        await sources[verb](name);
        if (options.json) context.output.json({ name, done: verb });
        else context.output.line(`${name} is ${verb}d.`);
      });
  }
}
