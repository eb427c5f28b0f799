import { join } from 'node:path';
import type { MongodbVolume } from '../archive/mongodb-volume';
import type { Clock } from '../clock';
import { ConfigurationError, ResilogError, messageOf } from '../errors';
import type { LogIndex } from '../index/ports';
import type { Log } from '../log';
import type { Random } from '../random';
import { accessPlan } from '../registry/access-plan';
import { checkInitialised } from '../registry/bootstrap';
import type { ClusterConnections } from '../registry/cluster-connections';
import { watchConnections } from '../registry/cluster-connections';
import type { Coordination } from '../registry/coordination';
import type { WatchedSettings } from '../registry/settings-store';
import { watchSettings } from '../registry/settings-store';
import type { WatchedDocument } from '../registry/watched-document';
import { connectZooKeeper } from '../registry/zookeeper-coordination';
import { backoffMs } from '../retry';
import { programFolder } from '../schemas';
import { readConfiguration, type ProcessConfiguration, type ServerAddress } from './configuration';

export interface AdapterOptions {
  readonly configuration: ProcessConfiguration;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Connections of one process to the outside: made when first asked for, shared, closed together. */
export class Adapters {
  private readonly made = new Map<string, Promise<unknown>>();
  private readonly closers: (() => Promise<void> | void)[] = [];
  private link: Coordination | undefined;
  private closed = false;
  /** What the start of the process waits for at this moment. */
  private waitingFor: string | undefined;

  private servers: readonly ServerAddress[];

  constructor(private readonly options: AdapterOptions) {
    this.servers = options.configuration.zookeeper;
  }

  /** Why a process that is still starting is not ready. */
  startingReasons(): readonly string[] {
    return [this.waitingFor === undefined ? 'starting' : `starting: waiting for ${this.waitingFor}`];
  }

  /** Connects in the background; operations wait for it up to their deadline. */
  coordination(): Coordination {
    if (this.link === undefined) {
      const { configuration, clock, random, log } = this.options;
      this.link = connectZooKeeper({
        servers: () => this.zookeeperInForce(), chroot: configuration.chroot, clock, random, log,
        ...(configuration.credentials === undefined ? {} : { credentials: configuration.credentials }),
        ...(configuration.access === undefined ? {} : { access: accessPlan(configuration.access) }),
      });
    }
    return this.link;
  }

  /** As the file has it now: members come and go while the process runs. */
  private zookeeperInForce(): readonly ServerAddress[] {
    const { configuration, log } = this.options;
    try {
      this.servers = readConfiguration(configuration.file).zookeeper;
    } catch (error) {
      log.warn('ConfigurationNotRead', { file: configuration.file, error: messageOf(error) });
    }
    return this.servers;
  }

  settings(): Promise<WatchedSettings> {
    return this.once('settings', async () => {
      await checkInitialised(this.coordination());
      const settings = await watchSettings(this.coordination(), this.options.log);
      this.closers.push(() => { settings.close(); });
      return settings;
    });
  }

  connections(): Promise<WatchedDocument<ClusterConnections>> {
    return this.once('connections', async () => {
      await checkInitialised(this.coordination());
      const connections = await watchConnections(this.coordination(), this.options.log);
      this.closers.push(() => { connections.close(); });
      return connections;
    });
  }

  /** The archive's volumes; they connect at their first operation. */
  volumes(): Promise<readonly MongodbVolume[]> {
    return this.once('volumes', async () => {
      const { configuration, clock, log } = this.options;
      const settings = await this.settings();
      const { mongodb } = (await this.connections()).current;
      // Drivers are loaded by who uses them: a command is there the sooner.
      const archive = await import('../archive/mongodb-volume');
      const volumes = mongodb.volumes.map(({ name, url, database }) => new archive.MongodbVolume({
        name, url, database: database ?? 'resilog', clock, log,
        ...(configuration.mongodb === undefined ? {} : { access: configuration.mongodb }),
        keyWindowSeconds: settings.current.intake.idempotencyWindowHours * 3_600,
      }));
      this.closers.push(async () => { await Promise.all(volumes.map((volume) => volume.close())); });
      return volumes;
    });
  }

  async firstVolume(): Promise<MongodbVolume> {
    const [first] = await this.volumes();
    if (first === undefined) throw new ConfigurationError('the cluster has no volume', { remedy: 'run `resilog init --mongodb URL`' });
    return first;
  }

  index(): Promise<LogIndex> {
    return this.once('index', async () => {
      const connections = await this.connections();
      const { configuration, clock } = this.options;
      const [{ createSolrClient }, { createSolrIndex }] = await Promise.all([
        import('../index/solr-client'), import('../index/solr-index'),
      ]);
      const client = createSolrClient({
        baseUrls: () => connections.current.solr.urls, clock,
        ...(configuration.solr === undefined ? {} : { access: configuration.solr }),
      });
      this.closers.push(() => client.close());
      return createSolrIndex({ client, clock, configsetFolder: join(programFolder, 'solr', 'resilog') });
    });
  }

  /** Tries until it works or the signal aborts: for processes that may be started before what they need. */
  async eventually<T>(what: string, signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
    const { clock, random, log } = this.options;
    this.waitingFor = what;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await operation();
        this.waitingFor = undefined;
        return result;
      } catch (error) {
        // What is not configured yet may be in a moment: the processes of a new cluster start together.
        const mayCome = error instanceof ConfigurationError || (error instanceof ResilogError && error.retryable);
        if (!mayCome || signal.aborted) throw error;
        this.waitingFor = `${what} (${messageOf(error)})`;
        log.warn('StartDelayed', { waitingFor: what, reason: messageOf(error) });
        await clock.sleep(backoffMs(attempt, random, 200, 2_000), signal);
        if (signal.aborted) throw error;
      }
    }
  }

  /** Closes in the reverse order of making; ZooKeeper last, so that ephemerals live until all else has ended. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const close of this.closers.reverse()) {
      // One that fails must not keep the session, and with it what says that this process lives.
      await Promise.resolve().then(close).catch((error: unknown) => { this.options.log.warn('CloseFailed', { error }); });
    }
    await this.link?.close();
  }

  /** A failed making is forgotten, so that it can be tried again. */
  private once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const known = this.made.get(name);
    if (known !== undefined) return known as Promise<T>;
    const making = make();
    this.made.set(name, making);
    making.catch(() => this.made.delete(name));
    return making;
  }
}
