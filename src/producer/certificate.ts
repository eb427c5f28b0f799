import 'reflect-metadata';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { SubjectAlternativeNameExtension, X509Certificate } from '@peculiar/x509';
import type { Clock } from '../clock';
import { ConfigurationError, messageOf } from '../errors';
import { writePrivately } from '../private-file';
import type { Random } from '../random';
import { issueCertificate } from '../registry/certificates';

const VALID_DAYS = 3_650;
const RENEW_MS = 30 * 24 * 3600 * 1000;

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
  const issued = await issueCertificate({
    commonName: 'resilog producer', usage: 'server', validDays: VALID_DAYS,
    addresses: addresses.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
  }, clock, random);
  return { certificate: issued.certificatePem, key: issued.privateKeyPem };
}

/** The same address may be written in several ways. */
function sameAddress(first: string, second: string): boolean {
  if (isIP(first) !== 6 || isIP(second) !== 6) return first.toLowerCase() === second.toLowerCase();
  return new URL(`http://[${first}]`).hostname === new URL(`http://[${second}]`).hostname;
}
