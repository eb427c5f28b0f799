import type { Clock } from '../../clock';
import { messageOf } from '../../errors';
import type { Log } from '../../log';
import type { HealthProbe } from './health-probe';

export interface HealthMonitorOptions {
  readonly probe: HealthProbe;
  readonly clock: Clock;
  readonly log: Log;
  /** Pause between two checks. */
  readonly intervalMs: number;
  readonly onChange: (healthy: boolean) => void;
}

/** One failure may be a hiccup. */
const FAILURES_MAX = 2;

/** Asks again and again; tells of each change from unhealthy (as it begins) to healthy and back. */
export class HealthMonitor {
  private healthy = false;
  private failures = 0;
  private readonly stop = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly options: HealthMonitorOptions) {}

  start(): void {
    this.running ??= this.run();
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.options.probe.close().catch(() => undefined);
  }

  private async run(): Promise<void> {
    const { probe, clock, intervalMs } = this.options;
    while (!this.stop.signal.aborted) {
      try {
        await probe.check();
        this.failures = 0;
        this.become(true, '');
      } catch (error) {
        this.failures += 1;
        if (this.failures >= FAILURES_MAX) this.become(false, messageOf(error));
      }
      // A component that starts is asked more often: the sooner it is there, the sooner others use it.
      await clock.sleep(this.healthy ? intervalMs : Math.min(intervalMs, 500), this.stop.signal);
    }
  }

  private become(healthy: boolean, reason: string): void {
    if (this.healthy === healthy || this.stop.signal.aborted) return;
    this.healthy = healthy;
    if (healthy) this.options.log.info('ComponentHealthy');
    else this.options.log.warn('ComponentUnhealthy', { reason });
    this.options.onChange(healthy);
  }
}
