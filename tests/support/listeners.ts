import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { childrenOf } from './process-tree';

export interface Listener {
  /** As Linux has it, shortened for the two that matter most: `::1`, `::`; IPv4 in dotted form. */
  readonly address: string;
  readonly port: number;
}

const LISTEN = '0A';

/** Listening TCP sockets of these processes and their descendants, from the kernel's own tables. */
export function listenersOf(pids: readonly number[]): Listener[] {
  const inodes = new Set(pids.flatMap(withDescendants).flatMap(socketInodes));
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => readFileSync(table, 'utf8').split('\n').slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && inodes.has(fields[9] ?? ''))
    .map((fields) => parseAddress(fields[1] ?? '')));
}

function withDescendants(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(withDescendants)];
}

function socketInodes(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode === undefined ? [] : [inode];
    } catch {
      // Closed since the folder was read.
      return [];
    }
  });
}

/** The tables hold addresses as hexadecimal words in the machine's byte order (little endian on what we build for). */
function parseAddress(text: string): Listener {
  const [words = '', port = ''] = text.split(':');
  const bytes = Buffer.from(words, 'hex');
  for (let offset = 0; offset < bytes.length; offset += 4) bytes.subarray(offset, offset + 4).reverse();
  return { address: formatAddress(bytes), port: parseInt(port, 16) };
}

function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  const text = groups.join(':');
  if (text === '0:0:0:0:0:0:0:1') return '::1';
  return text === '0:0:0:0:0:0:0:0' ? '::' : text;
}
