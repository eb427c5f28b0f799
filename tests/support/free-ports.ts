import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Ports from the first up to the last. */
export interface PortRange { readonly first: number; readonly last: number }

// Below the ports that Linux gives to outgoing connections (32768 and up).
const USUAL: PortRange = { first: 13_000, last: 32_600 };
const SPAN = 100;
const TRIES = 50;
/** After so long whoever got the ports listens on some of them. */
const RESERVED_MS = 60_000;
const reserved = new Set<string>();

/** A base from which on a whole cluster's hundred ports are free on the address. Random, so that two runs differ. */
export async function freeBasePort(address = '::1', { first, last } = USUAL): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const base = first + SPAN * Math.floor(Math.random() * ((last - first) / SPAN));
    if (!reserve(base)) continue;
    const ports = Array.from({ length: SPAN }, (_, index) => base + index);
    const free = await Promise.all(ports.map((port) => isFree(address, port)));
    if (free.every(Boolean)) return base;
  }
  throw new Error(`no hundred free ports in a row on ${address}`);
}

/** False when another test, of any process, was given these ports a moment ago and may not listen yet. */
function reserve(base: number): boolean {
  const file = join(tmpdir(), `resilog-ports-${base}`);
  try {
    if (Date.now() - statSync(file).mtimeMs > RESERVED_MS) rmSync(file, { force: true });
  } catch {
    // Nobody has it, or another has just taken it back.
  }
  try {
    closeSync(openSync(file, 'wx'));
    if (reserved.size === 0) process.once('exit', () => { for (const one of reserved) rmSync(one, { force: true }); });
    reserved.add(file);
    return true;
  } catch {
    return false;
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => { resolve(false); });
    server.listen({ host, port, exclusive: true }, () => { server.close(() => { resolve(true); }); });
  });
}
