import { CorruptionError, InputError } from '../errors';
import { loadSchema, type Schema } from '../schemas';
import type { Source } from './ports';

/** What an operator may choose for a source. */
export type SourceOptions = Partial<Pick<Source,
  'enabled' | 'indexed' | 'certificateOnly' | 'timeZone' | 'quotas' | 'retentionDays'>>;

const FORMAT_VERSION = 1;
let compiled: Schema<Source & { formatVersion: number }> | undefined;

function schema(): Schema<Source & { formatVersion: number }> {
  compiled ??= loadSchema('source');
  return compiled;
}

/** The stored form of a source; see docs/specs/registry.md. */
export function encodeSource(source: Source): Buffer {
  return Buffer.from(JSON.stringify({ formatVersion: FORMAT_VERSION, ...source }));
}

/** CorruptionError when it can't be read. */
export function decodeSource(data: Buffer, path: string): Source {
  let content: unknown;
  try {
    content = JSON.parse(data.toString('utf8'));
  } catch (error) {
    throw new CorruptionError(`${path} is not JSON`, { cause: error });
  }
  const checked = schema().check(content);
  if ('problem' in checked) throw new CorruptionError(`${path}: ${checked.problem}`);
  const { id, name, enabled, indexed, certificateOnly, timeZone, quotas, retentionDays, createdAt, keys } =
    checked.value;
  const source = { id, name, enabled, indexed, certificateOnly, timeZone, quotas, createdAt, keys };
  return retentionDays === undefined ? source : { ...source, retentionDays };
}

/** A source with other options. InputError names the option that can't be used. */
export function withOptions(source: Source, options: SourceOptions): Source {
  const changed: Source = { ...source, ...options };
  const checked = schema().check({ formatVersion: FORMAT_VERSION, ...changed });
  if ('problem' in checked) throw new InputError(`source "${source.name}": ${checked.problem}`);
  try {
    new Intl.DateTimeFormat('en', { timeZone: changed.timeZone });
  } catch {
    throw new InputError(`"${changed.timeZone}" is not a time zone`, { remedy: 'use an IANA name like Europe/Paris' });
  }
  return changed;
}

/** InputError unless the name can be a source's. */
export function assertSourceName(name: string): void {
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._:@+-]{0,127}$/u.test(name)) {
    throw new InputError(`"${name}" can't be the name of a source`, {
      remedy: 'use at most 128 letters, digits and . _ : @ + -, a letter or digit first',
    });
  }
}
