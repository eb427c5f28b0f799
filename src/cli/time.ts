import { InputError } from '../errors';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000,
};

/** A duration such as `90s`, `15m`, `24h`, `7d`, in ms. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text.trim());
  const unit = UNIT_MS[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    throw new InputError(`"${text}" is not a duration`, { remedy: 'write a number and a unit: 90s, 15m, 24h, 7d' });
  }
  return Number(match[1]) * unit;
}

/** A time as ms since the epoch: ISO 8601, `now`, or a duration that means so long ago. */
export function parseTime(text: string, nowMs: number): number {
  if (text === 'now') return nowMs;
  if (/^\d+(\.\d+)?(ms|s|m|h|d|w)$/.test(text)) return nowMs - parseDuration(text);
  const parsed = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(parsed)) {
    throw new InputError(`"${text}" is not a time`, {
      remedy: 'write it as 2026-03-01, 2026-03-01T12:00:00Z, now, or so long ago: 15m, 24h, 7d',
    });
  }
  return parsed;
}

/** A whole number within bounds. */
export function parseCount(text: string, name: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
    throw new InputError(`${name} is "${text}", but has to be a whole number from ${minimum} to ${maximum}`);
  }
  return value;
}
