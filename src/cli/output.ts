import type { Writable } from 'node:stream';

/** A stream with what `tty.WriteStream` adds to it. */
export interface TerminalStream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  mark(text: string): string;
  /** A word that was searched for. */
  found(text: string): string;
}

/** Where commands write: results on standard output, everything about them on standard error. */
export interface Output {
  readonly style: Style;
  /** Characters that fit on a line of standard output; Infinity when it is no terminal: nothing is cut then. */
  readonly columns: number;
  line(text?: string): void;
  /** One value as one line of JSON. */
  json(value: unknown): void;
  bytes(data: Uint8Array): Promise<void>;
  /** Rows with columns padded to equal widths; the first row is the header. */
  table(rows: readonly (readonly string[])[]): void;
  note(text: string): void;
  /** Rewrites one line on a terminal; silent elsewhere. An empty text clears it. */
  progress(text: string): void;
}

export interface OutputOptions {
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  readonly environment: NodeJS.ProcessEnv;
}

export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr } = options;
  const style = createStyle(stdout.isTTY === true && !options.environment.NO_COLOR && options.environment.TERM !== 'dumb');
  let progressShown = false;
  const clear = (): void => {
    if (progressShown) stderr.write('\r\x1b[K');
    progressShown = false;
  };
  const line = (text = ''): void => {
    clear();
    stdout.write(`${text}\n`);
  };
  return {
    style,
    columns: stdout.columns ?? Infinity,
    line,
    json: (value) => { line(JSON.stringify(value)); },
    bytes: (data) => new Promise((resolve, reject) => {
      stdout.write(data, (error) => { if (error) reject(error); else resolve(); });
    }),
    table: (rows) => { for (const row of padded(rows, style)) line(row); },
    note: (text) => {
      clear();
      stderr.write(`${text}\n`);
    },
    progress: (text) => {
      if (stderr.isTTY !== true) return;
      clear();
      stderr.write(text.slice(0, (stderr.columns ?? 80) - 1));
      progressShown = text !== '';
    },
  };
}

const PLAIN = (text: string): string => text;

function createStyle(colour: boolean): Style {
  const code = (open: number, close: number) =>
    colour ? (text: string): string => `\x1b[${open}m${text}\x1b[${close}m` : PLAIN;
  return {
    bold: code(1, 22), dim: code(2, 22), good: code(32, 39), bad: code(31, 39), warn: code(33, 39), mark: code(36, 39),
    found: (text) => code(1, 22)(code(33, 39)(text)),
  };
}

function padded(rows: readonly (readonly string[])[], style: Style): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => { widths[i] = Math.max(widths[i] ?? 0, visibleLength(cell)); });
  return rows.map((row, index) => {
    const text = row
      .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - visibleLength(cell))))
      .join('  ')
      .trimEnd();
    return index === 0 ? style.bold(text) : text;
  });
}

function visibleLength(text: string): number {
  // Colour sequences take no room.
  return text.replace(/\x1b\[\d+m/g, '').length;
}

/** `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** `45s`, `12m`, `5h`, `30d`: the largest unit of which there are two, rounded down. */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  for (const [unit, length] of [['d', 86_400], ['h', 3_600], ['m', 60]] as const) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)}${unit}`;
  }
  return `${seconds}s`;
}

/** `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** Control characters of a log line shown as visible ones, so that a line can't drive the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    if (character === '\t') return character;
    return character < ' ' ? String.fromCharCode(0x2400 + character.charCodeAt(0)) : '\u2421';
  });
}
