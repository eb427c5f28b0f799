import type { Clock } from '../clock';
import { ConfigurationError, ConflictError, FencedError, InputError, NotFoundError, UnknownOutcomeError } from '../errors';
import { faultPoint } from '../fault-points';
import { randomHex, type Random } from '../random';
import type { IssuedCertificate } from './certificates';
import type { Coordination, MultiOperation } from './coordination';
import { decodeKeyChanges, encodeKeyChanges, withChange } from './key-changes';
import { withLock } from './locks';
import { paths } from './paths';
import type { Source, SourceKey } from './ports';
import { assertSourceName, decodeSource, encodeSource, withOptions, type SourceOptions } from './source-document';

export interface SourceRegistryOptions {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly random: Random;
}

/** A new certificate of a source: shown once, kept by nobody but the one who asked. */
export interface IssuedSource extends IssuedCertificate {
  readonly source: Source;
}

/**
 * Called with the new certificate before it becomes usable, e.g. to write it to disk: a crash then leaves a file
 * that authenticates nobody, never a key that nobody has.
 */
export type Prepare = (issued: IssuedCertificate) => Promise<void>;

const VALID_DAYS = 3_650;
export const DEFAULT_OVERLAP_HOURS = 24;
const MAX_TRIES = 3;

/**
 * Declares sources. Every change is one multi under one lock: it is done as a whole or not at all, also when its
 * caller dies; the lock's node is checked in the multi, so that a caller that lost the lock changes nothing.
 */
export class SourceRegistry {
  constructor(private readonly options: SourceRegistryOptions) {}

  /** ConflictError when the name is in use. A name used before gets a new id, and inherits nothing. */
  async add(name: string, options: SourceOptions = {}, prepare?: Prepare): Promise<IssuedSource> {
    assertSourceName(name);
    const issued = await this.issue(name);
    const createdAt = this.timestamp();
    const source = withOptions({
      id: randomHex(this.options.random, 12),
      name,
      enabled: true,
      indexed: true,
      certificateOnly: false,
      timeZone: 'UTC',
      quotas: {},
      createdAt,
      keys: [{ key: issued.key, createdAt }],
    }, options);
    // Refused before anything is written to disk; checked again under the lock.
    if ((await this.read(name)) !== undefined) throw inUse(name);
    await prepare?.(issued);
    faultPoint('sources.first-certificate-written');
    await this.change(name, (current) => {
      if (current !== undefined) throw inUse(name);
      return source;
    });
    return { ...issued, source };
  }

  /** In the order of names. */
  async list(): Promise<readonly Source[]> {
    const nodes = await this.options.coordination.children(paths.sources).catch((error: unknown) => {
      throw error instanceof NotFoundError ? notInitialised() : error;
    });
    const sources = await Promise.all(nodes.map((node) => this.readNode(`${paths.sources}/${node}`)));
    return sources
      .filter((source) => source !== undefined)
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** NotFoundError when there is none of that name. */
  async show(name: string): Promise<Source> {
    const source = await this.read(name);
    if (source === undefined) throw unknownName(name);
    return source;
  }

  /** Gives the source another key; the former ones are valid for the overlap and then refused. */
  async rotate(name: string, overlapHours = DEFAULT_OVERLAP_HOURS, prepare?: Prepare): Promise<IssuedSource> {
    if (!(overlapHours >= 0 && overlapHours <= 8_760)) throw new InputError('the overlap is 0 to 8,760 hours');
    await this.show(name);
    const issued = await this.issue(name);
    await prepare?.(issued);
    faultPoint('sources.further-certificate-written');
    const added: SourceKey = { key: issued.key, createdAt: this.timestamp() };
    const endsAtMs = this.options.clock.now() + overlapHours * 3_600_000;
    const source = await this.change(name, (current) => {
      if (current === undefined) throw unknownName(name);
      if (current.keys.some(({ key }) => key === issued.key)) return current;
      const former = current.keys.filter((key) => !this.isExpired(key)).map((key) => endingBy(key, endsAtMs));
      if (former.length >= 15) throw new InputError(`"${name}" has too many keys that are still valid`);
      return { ...current, keys: [added, ...former] };
    });
    return { ...issued, source: source ?? (await this.show(name)) };
  }

  async enable(name: string): Promise<Source> {
    return this.setOptions(name, { enabled: true });
  }

  async disable(name: string): Promise<Source> {
    return this.setOptions(name, { enabled: false });
  }

  async setOptions(name: string, options: SourceOptions): Promise<Source> {
    const source = await this.change(name, (current) => {
      if (current === undefined) throw unknownName(name);
      return withOptions(current, options);
    });
    return source ?? (await this.show(name));
  }

  /** Its keys are refused from now on; archived and indexed lines stay. */
  async remove(name: string): Promise<void> {
    let found = false;
    await this.change(name, (current) => {
      // In a try after one without an answer it may be gone already.
      if (current === undefined && !found) throw unknownName(name);
      found = true;
      return undefined;
    });
  }

  private async issue(name: string): Promise<IssuedCertificate> {
    const request = { commonName: name, usage: 'client', validDays: VALID_DAYS } as const;
    // Most commands make no certificate, and the library takes half a second to load.
    const { issueCertificate } = await import('./certificates');
    return issueCertificate(request, this.options.clock, this.options.random);
  }

  private async read(name: string): Promise<Source | undefined> {
    return this.readNode(nodeOf(name));
  }

  private async readNode(path: string): Promise<Source | undefined> {
    const content = await this.options.coordination.get(path);
    return content === undefined ? undefined : decodeSource(content.data, path);
  }

  /** `plan` gives the source as it shall be, or undefined for none; it may be called again. */
  private async change(
    name: string, plan: (current: Source | undefined) => Source | undefined,
  ): Promise<Source | undefined> {
    let wanted: Source | undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await withLock(this.options.coordination, 'sources', this.options, async (lock) => {
          const current = await this.read(name);
          // The try before had no answer, and was done.
          if (attempt > 1 && wanted !== undefined && same(current, wanted)) return wanted;
          wanted = plan(current);
          await this.write(name, current, wanted, lock.path);
          return wanted;
        });
      } catch (error) {
        const mayRetry = error instanceof UnknownOutcomeError || error instanceof FencedError;
        if (!mayRetry || attempt >= MAX_TRIES) throw error;
      }
    }
  }

  private async write(
    name: string, current: Source | undefined, next: Source | undefined, fence: string,
  ): Promise<void> {
    const { coordination } = this.options;
    const root = await coordination.get(paths.keys);
    if (root === undefined) throw notInitialised();
    const concerned = [...new Set([...keysOf(current), ...keysOf(next)])];
    const operations: readonly MultiOperation[] = [
      { type: 'check', path: fence },
      ...changesOf(name, current, next),
      { type: 'set', path: paths.keys, data: encodeKeyChanges(withChange(decodeKeyChanges(root.data), concerned)) },
    ];
    try {
      await coordination.multi(operations);
      faultPoint('sources.changed');
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      if (error.message.includes(fence)) throw new FencedError('the lock on sources was lost', { cause: error });
      throw notInitialised();
    }
  }

  private isExpired(key: SourceKey): boolean {
    return key.expiresAt !== undefined && Date.parse(key.expiresAt) <= this.options.clock.now();
  }

  private timestamp(): string {
    return new Date(this.options.clock.now()).toISOString();
  }
}

function changesOf(name: string, current: Source | undefined, next: Source | undefined): MultiOperation[] {
  const before = keysOf(current);
  const after = keysOf(next);
  const data = next === undefined ? Buffer.alloc(0) : encodeSource(next);
  const operations: MultiOperation[] = [];
  for (const key of before) {
    const path = `${paths.keys}/${key}`;
    if (after.includes(key)) operations.push({ type: 'set', path: `${path}/options`, data });
    else operations.push({ type: 'remove', path: `${path}/options` }, { type: 'remove', path });
  }
  for (const key of after.filter((candidate) => !before.includes(candidate))) {
    const path = `${paths.keys}/${key}`;
    operations.push({ type: 'create', path, data: Buffer.from(name) });
    operations.push({ type: 'create', path: `${path}/options`, data });
  }
  const path = nodeOf(name);
  if (current === undefined && next !== undefined) operations.push({ type: 'create', path, data });
  else if (next !== undefined) operations.push({ type: 'set', path, data });
  else if (current !== undefined) operations.push({ type: 'remove', path });
  return operations;
}

function keysOf(source: Source | undefined): readonly string[] {
  return source?.keys.map(({ key }) => key) ?? [];
}

function endingBy(key: SourceKey, endsAtMs: number): SourceKey {
  if (key.expiresAt !== undefined && Date.parse(key.expiresAt) <= endsAtMs) return key;
  return { ...key, expiresAt: new Date(endsAtMs).toISOString() };
}

function same(one: Source | undefined, other: Source): boolean {
  return one !== undefined && encodeSource(one).equals(encodeSource(other));
}

function nodeOf(name: string): string {
  return `${paths.sources}/${encodeURIComponent(name)}`;
}

function inUse(name: string): ConflictError {
  return new ConflictError(`there is a source "${name}" already`, {
    remedy: `see it with \`resilog source show ${name}\`, give it another key with \`resilog source rotate ${name}\``,
  });
}

function unknownName(name: string): NotFoundError {
  return new NotFoundError(`there is no source "${name}"`, { remedy: '`resilog source list` shows all' });
}

function notInitialised(): ConfigurationError {
  return new ConfigurationError('the cluster is not initialised', { remedy: 'run `resilog init` once' });
}
