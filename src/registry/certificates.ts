import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension,
  SubjectAlternativeNameExtension, X509CertificateGenerator, cryptoProvider, PemConverter,
} from '@peculiar/x509';
import type { Clock } from '../clock';
import { randomHex, type Random } from '../random';

const DAY_MS = 86_400_000;
/** Certificates are valid from a day back, so that a clock that is an hour behind does not refuse them. */
const BACKDATE_MS = DAY_MS;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface CertificateRequest {
  readonly commonName: string;
  readonly usage: 'client' | 'server';
  readonly validDays: number;
  /** Addresses and names that a server's certificate is for. */
  readonly addresses?: readonly { readonly type: 'ip' | 'dns'; readonly value: string }[];
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly privateKeyPem: string;
  /** Lower-case hex SHA-256 of the certificate (DER): a source's key. */
  readonly key: string;
  readonly notAfter: Date;
}

/** Makes a key pair (EC P-256) and a certificate that it signs itself. */
export async function issueCertificate(
  request: CertificateRequest, clock: Clock, random: Random,
): Promise<IssuedCertificate> {
  cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const notBefore = new Date(clock.now() - BACKDATE_MS);
  const notAfter = new Date(clock.now() + request.validDays * DAY_MS);
  const purpose = request.usage === 'client' ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // A leading 01 keeps the number positive and of constant length (RFC 5280, 4.1.2.2).
    serialNumber: `01${randomHex(random, 15)}`,
    name: [{ CN: [request.commonName.slice(0, 64)] }],
    notBefore,
    notAfter,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([purpose]),
      ...(request.addresses === undefined ? [] : [new SubjectAlternativeNameExtension([...request.addresses])]),
    ],
  });
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    privateKeyPem: `${PemConverter.encode(privateKey, 'PRIVATE KEY')}\n`,
    key: keyOfCertificate(Buffer.from(certificate.rawData)),
    notAfter,
  };
}

/** The key under which a certificate (DER) is declared. */
export function keyOfCertificate(der: Buffer): string {
  return createHash('sha256').update(der).digest('hex');
}
