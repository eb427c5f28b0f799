import { fetchLines } from '../archive/line-fetch';
import type { Volume } from '../archive/volume';
import type { AuditContext } from '../audit/context';
import { findState } from '../archive/volume-set';
import type { Services } from '../cli/context';
import type { Destination } from '../cli/sender';
import type { Clock } from '../clock';
import { ConfigurationError, InputError } from '../errors';
import type { Hit, LogIndex } from '../index/ports';
import { silentLog } from '../log';
import type { DefinitionSet } from '../normaliser/ports';
import type { QueueAdministration, QueueProducer } from '../queue/ports';
import { createQueueAdministration } from '../queue/queue-administration';
import { createQueueProducer } from '../queue/queue-producer';
import type { Random } from '../random';
import type { Coordination } from '../registry/coordination';
import { readMembers } from '../registry/presence';
import type { SettingsWatcher } from '../registry/settings';
import { SourceRegistry } from '../registry/source-registry';
import type { DeletionDependencies } from '../retention/deletion-dependencies';
import type { Deletions } from '../retention/ports';
import { withoutDeleted } from '../retention/visible-hits';
import { Adapters } from './adapters';
import type { ProcessConfiguration } from './configuration';
import { loadDefinitions } from './definitions';
import { deletionDependencies } from './deletions';

export interface ServicesOptions {
  readonly configuration: () => ProcessConfiguration;
  readonly clock: Clock;
  readonly random: Random;
}

/** What commands reach, over the real adapters; nothing is connected before it is asked for. */
export class ConnectedServices implements Services {
  private adapters: Adapters | undefined;
  private read: ProcessConfiguration | undefined;

  constructor(private readonly options: ServicesOptions) {}

  private get connected(): Adapters {
    const { clock, random } = this.options;
    this.adapters ??= new Adapters({ configuration: this.configuration, clock, random, log: silentLog });
    return this.adapters;
  }

  private get configuration(): ProcessConfiguration {
    this.read ??= this.options.configuration();
    return this.read;
  }

  restricted(): boolean {
    return this.configuration.access !== undefined;
  }

  async coordination(): Promise<Coordination> {
    return this.connected.coordination();
  }

  settings(): Promise<SettingsWatcher> {
    return this.connected.settings();
  }

  volumes(): Promise<readonly Volume[]> {
    return this.connected.volumes();
  }

  /** Requests are kept in the first volume. */
  async deletions(): Promise<Deletions> {
    return (await this.connected.firstVolume()).deletions;
  }

  async programDefinitions(): Promise<DefinitionSet> {
    return loadDefinitions(this.pylogsparserFolder());
  }

  /** Named by the configuration of the cluster, if there is one. */
  private pylogsparserFolder(): string | undefined {
    try {
      return this.configuration.pylogsparser;
    } catch (error) {
      if (error instanceof ConfigurationError) return undefined;
      throw error;
    }
  }

  index(): Promise<LogIndex> {
    return this.connected.index();
  }

  async collections(): Promise<readonly string[]> {
    return [(await this.settings()).current.index.collection];
  }

  async queue(): Promise<QueueAdministration & QueueProducer> {
    const { clock, random } = this.options;
    const coordination = this.connected.coordination();
    return { ...createQueueProducer({ coordination, clock, random }), ...createQueueAdministration(coordination) };
  }

  async sources(): Promise<SourceRegistry> {
    const { clock, random } = this.options;
    return new SourceRegistry({ coordination: this.connected.coordination(), clock, random });
  }

  async destinations(): Promise<readonly Destination[]> {
    const members = await readMembers(this.connected.coordination(), 'Producer');
    return members.map(({ address, facts }) => ({
      url: `https://${address}/`,
      certificateSha256: typeof facts?.certificateSha256 === 'string' ? facts.certificateSha256 : undefined,
    }));
  }

  async sendTarget(name: string): Promise<{ readonly key: string; readonly destinations: readonly Destination[] }> {
    const source = await (await this.sources()).show(name);
    if (source.certificateOnly) {
      throw new InputError(`"${name}" sends with its certificate only`, {
        remedy: 'use curl --cert FILE --key FILE, or allow keys with `resilog source set NAME --no-certificate-only`',
      });
    }
    const [key] = source.keys;
    if (key === undefined) throw new ConfigurationError(`"${name}" has no key`, { remedy: `give it one with \`resilog source rotate ${name}\`` });
    return { key: key.key, destinations: await this.destinations() };
  }

  async deletionDependencies(): Promise<DeletionDependencies> {
    return deletionDependencies({
      coordination: this.connected.coordination(), clock: this.options.clock, settings: await this.settings(),
      volumes: await this.volumes(), index: await this.index(),
    });
  }

  async audit(
    { scope, fullSpeed, signal }: Parameters<Services['audit']>[0],
  ): Promise<AuditContext> {
    const { clock, random } = this.options;
    const { auditContext } = await import('./audit');
    return auditContext({
      coordination: this.connected.coordination(), clock, random, settings: await this.settings(),
      volumes: await this.volumes(), index: await this.index(), attended: true, fullSpeed, signal,
      ...(scope === undefined ? {} : { scope }),
    });
  }

  /** Deleted lines are left out; the text comes from the archive, which alone keeps it. */
  async withText(hits: readonly Hit[]): Promise<readonly Hit[]> {
    const volumes = await this.volumes();
    const shown = await withoutDeleted(hits, async (fileId) => (await findState(volumes, fileId))?.state);
    const texts = await fetchLines(volumes, shown.map(({ fileID, line }) => ({ fileId: fileID, line })));
    return shown.map((hit) => {
      const bytes = texts.get(hit.id);
      return bytes === undefined ? hit : { ...hit, message: bytes.toString('utf8').replace(/\r?\n$/, '') };
    });
  }

  async close(): Promise<void> {
    await this.adapters?.close();
  }
}
