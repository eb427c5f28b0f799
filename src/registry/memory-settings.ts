import type { Settings, SettingsPatch, SettingsWatcher } from './settings';
import { defaultSettings, merge, settingsOf, type Tree } from './settings-schema';

/** Settings kept in memory, for tests and for the simulator. */
export class MemorySettings implements SettingsWatcher {
  private changes: Tree;
  private settings: Settings;
  private changeCount = 0;
  private readonly callbacks = new Set<(settings: Settings) => void>();

  constructor(changes: SettingsPatch = {}) {
    this.changes = changes;
    this.settings = Object.keys(changes).length === 0 ? defaultSettings() : settingsOf(this.changes);
  }

  get current(): Settings {
    return this.settings;
  }

  get version(): number {
    return this.changeCount;
  }

  onChange(callback: (settings: Settings) => void): () => void {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }

  change(patch: SettingsPatch): void {
    this.changes = merge(this.changes, patch);
    this.settings = settingsOf(this.changes);
    this.changeCount += 1;
    for (const callback of [...this.callbacks]) callback(this.settings);
  }
}
