import 'reflect-metadata';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, PemConverter, SubjectAlternativeNameExtension,
  X509Certificate, X509CertificateGenerator,
} from '@peculiar/x509';
import type { Clock } from '../clock';
import { ConfigurationError, messageOf } from '../errors';
import { randomHex, type Random } from '../random';

const DAY_MS = 24 * 3600 * 1000;
/** Dated back, so that a clock that was set back a little does not refuse it (schedule 37). */
const BACK_MS = DAY_MS;
const VALID_MS = 3650 * DAY_MS;
const RENEW_MS = 30 * DAY_MS;

export interface TlsFiles {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface OwnCertificateOptions {
  readonly folder: string;
  /** Addresses and names that clients use, without brackets. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
}

/** Reads a given certificate and key. ConfigurationError names the file that can't be read. */
export function readTlsFiles(paths: { readonly certificate: string; readonly key: string }): TlsFiles {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new ConfigurationError(`${path} can't be read: ${messageOf(error)}`, { cause: error });
    }
  };
  return { certificate: read(paths.certificate), key: read(paths.key) };
}

/**
 * The producer's own self-signed certificate: made at the first start, kept in `producer.crt` and `producer.key`
 * (readable by its owner only), made anew when it comes to its end or an address is missing in it.
 */
export async function ownCertificate(options: OwnCertificateOptions): Promise<TlsFiles> {
  const files = { certificate: join(options.folder, 'producer.crt'), key: join(options.folder, 'producer.key') };
  if (existsSync(files.certificate) && existsSync(files.key)) {
    const kept = readTlsFiles(files);
    if (isUsable(kept.certificate, options)) return kept;
  }
  const made = await generate(options);
  mkdirSync(options.folder, { recursive: true });
  // The key first: a certificate is only ever beside the key that it belongs to or an older one of both.
  writePrivately(files.key, made.key);
  writePrivately(files.certificate, made.certificate);
  return made;
}

function isUsable(pem: string, { addresses, clock }: OwnCertificateOptions): boolean {
  try {
    const certificate = new X509Certificate(pem);
    const extension = certificate.getExtension(SubjectAlternativeNameExtension);
    const names = extension?.names.items.map((name) => name.value) ?? [];
    return certificate.notAfter.getTime() - clock.now() > RENEW_MS
      && addresses.every((address) => names.some((name) => sameAddress(name, address)));
  } catch {
    return false;
  }
}

async function generate({ addresses, clock, random }: OwnCertificateOptions): Promise<TlsFiles> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // A positive number: the first digit is below 8.
    serialNumber: `1${randomHex(random, 16).slice(1)}`,
    name: [{ CN: ['resilog producer'] }],
    notBefore: new Date(clock.now() - BACK_MS),
    notAfter: new Date(clock.now() + VALID_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(addresses.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }))),
    ],
  });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate: `${certificate.toString('pem')}\n`, key: `${PemConverter.encode(key, 'PRIVATE KEY')}\n` };
}

function writePrivately(path: string, content: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}

/** The same address may be written in several ways. */
function sameAddress(first: string, second: string): boolean {
  if (isIP(first) !== 6 || isIP(second) !== 6) return first.toLowerCase() === second.toLowerCase();
  return new URL(`http://[${first}]`).hostname === new URL(`http://[${second}]`).hostname;
}
