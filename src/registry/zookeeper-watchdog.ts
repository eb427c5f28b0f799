import type { ConnectionManager } from 'node-zookeeper-client';
import type { Clock } from '../clock';
import type { Log } from '../log';

export interface WatchdogOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly sessionTimeoutMs: number;
  /**
   * A server that refuses a session for this long while it accepts connections will never take it: its data was
   * wiped or restored, and it is behind what the session has seen. (It says so only by closing the connection.)
   */
  readonly abandonAfterMs: number;
  readonly heardAtMs: () => number;
  readonly isConnected: () => boolean;
  /** Sends something that is answered. */
  readonly probe: () => void;
  /** Gives the session up. */
  readonly abandon: () => void;
}

/**
 * Notices what the client never does: a connection over which nothing comes any more (a stopped server, a cut
 * cable), a server that accepts a connection and does not answer, and a session that no server will take.
 */
export class ZooKeeperWatchdog {
  private cancel: () => void = () => undefined;
  private attemptAtMs: number;
  private refusals = 0;
  private stopped = false;

  constructor(private readonly manager: ConnectionManager, private readonly options: WatchdogOptions) {
    this.attemptAtMs = options.clock.monotonic();
    manager.on('state', () => { this.attemptAtMs = options.clock.monotonic(); });
  }

  start(): void {
    this.cancel = this.options.clock.timer(Math.max(50, this.options.sessionTimeoutMs / 8), () => {
      if (this.stopped) return;
      this.look();
      this.start();
    });
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  /** Ends the connection so that the client makes another; also one that is only being made. */
  breakConnection(): void {
    // The client would fire this timer later, at the connection that comes next.
    if (this.manager.connectTimeoutHandler !== null) clearTimeout(this.manager.connectTimeoutHandler);
    this.manager.socket?.destroy();
  }

  private look(): void {
    const { sessionTimeoutMs, clock } = this.options;
    const nowMs = clock.monotonic();
    const silentMs = nowMs - this.options.heardAtMs();
    if (this.options.isConnected()) {
      this.refusals = 0;
      if (silentMs > sessionTimeoutMs / 2) {
        this.options.log.warn('RegistryConnectionSilent', { silentMs: Math.round(silentMs) });
        this.breakConnection();
      } else if (silentMs > (sessionTimeoutMs * 3) / 8) {
        // Later than the client's own ping, whose answer makes this needless.
        this.options.probe();
      }
      return;
    }
    if (this.manager.socket?.bytesWritten) this.refusals += 1;
    if (nowMs - this.attemptAtMs > Math.max(1_000, sessionTimeoutMs / 3)) {
      this.attemptAtMs = nowMs;
      this.breakConnection();
    }
    if (silentMs > this.options.abandonAfterMs && this.refusals > 3 && this.hasSession()) {
      this.options.abandon();
    }
  }

  private hasSession(): boolean {
    return !this.manager.sessionId.every((byte) => byte === 0);
  }
}
