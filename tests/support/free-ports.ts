import { createServer } from 'node:net';

const FIRST = 13_000;
// Below the ports that Linux gives to outgoing connections (32768 and up).
const LAST = 32_600;
const SPAN = 100;
const TRIES = 50;

/** A base from which on a whole cluster's hundred ports are free on the address. Random, so that two runs differ. */
export async function freeBasePort(address = '::1'): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const base = FIRST + SPAN * Math.floor(Math.random() * ((LAST - FIRST) / SPAN));
    const ports = Array.from({ length: SPAN }, (_, index) => base + index);
    const free = await Promise.all(ports.map((port) => isFree(address, port)));
    if (free.every(Boolean)) return base;
  }
  throw new Error(`no hundred free ports in a row on ${address}`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => { resolve(false); });
    server.listen({ host, port, exclusive: true }, () => { server.close(() => { resolve(true); }); });
  });
}
