import 'reflect-metadata';
import { createECDH, createHash, createHmac, createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension, BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension,
  KeyUsageFlags, KeyUsagesExtension, SubjectAlternativeNameExtension, SubjectKeyIdentifierExtension,
  X509CertificateGenerator, cryptoProvider,
} from '@peculiar/x509';
import type { Clock } from '../clock';
import { InputError } from '../errors';
import { randomHex, type Random } from '../random';

const DAY_MS = 86_400_000;
/** Certificates are valid from a day back, so that a clock that is behind does not refuse them. */
const BACKDATE_MS = DAY_MS;
const AUTHORITY_DAYS = 3_650;
/** A process that trusts the former certificate has so long to be started anew. */
const AUTHORITY_RENEW_DAYS = 1_095;
const SERVER_DAYS = 397;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const NAME = 'CN=resilog authority';
/** Order of the curve P-256 (FIPS 186-4, D.1.2.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export interface AuthorityOptions {
  /** From which the key derives: the same secret is the same authority, wherever it is. */
  readonly secret: string;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ServerRequest {
  /** One IPv6 address, without brackets. */
  readonly address: string;
  /** PEM (SPKI). */
  readonly publicKey: string;
  /** A certificate that ends before then is replaced. */
  readonly renewDays: number;
}

/**
 * The authority that the servers' certificates of one cluster are signed by. It has no state: its key derives from the
 * cluster's secret, so that an authority that was lost with its machine is made anew, and what it signed stays valid.
 */
export class Authority {
  private constructor(
    private readonly keys: webcrypto.CryptoKeyPair, private readonly publicKey: KeyObject,
    private readonly options: AuthorityOptions,
  ) {}

  static async open(options: AuthorityOptions): Promise<Authority> {
    cryptoProvider.set(webcrypto);
    const secretScalar = scalar(options.secret);
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(secretScalar);
    const point = curve.getPublicKey();
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
    const common = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' };
    const importKey = (jwk: webcrypto.JsonWebKey, usage: webcrypto.KeyUsage): Promise<webcrypto.CryptoKey> =>
      webcrypto.subtle.importKey('jwk', jwk, ALGORITHM, true, [usage]);
    const privateKey = await importKey({ ...common, d: secretScalar.toString('base64url') }, 'sign');
    const publicKey = await importKey(common, 'verify');
    return new Authority({ privateKey, publicKey }, createPublicKey({ key: common, format: 'jwk' }), options);
  }

  /** Its own certificate (PEM): the former one while it lasts for years. */
  async certificate(former: string | undefined): Promise<string> {
    const parsed = read(former);
    const kept = parsed !== undefined && parsed.ca && this.isOurs(parsed)
      && this.daysLeft(parsed) > AUTHORITY_RENEW_DAYS;
    if (kept) return former ?? '';
    const made = await X509CertificateGenerator.createSelfSigned({
      ...this.period(AUTHORITY_DAYS), serialNumber: this.serialNumber(), name: NAME, signingAlgorithm: ALGORITHM,
      keys: this.keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        new SubjectKeyIdentifierExtension(this.keyId()),
      ],
    });
    return `${made.toString('pem')}\n`;
  }

  /** A certificate (PEM) of a server: the former one while it is for the same key and address, and lasts. */
  async issue(request: ServerRequest, former: string | undefined): Promise<string> {
    const parsed = read(former);
    const kept = parsed !== undefined && this.isOurs(parsed) && this.daysLeft(parsed) > request.renewDays
      && parsed.checkIP(request.address) !== undefined
      && parsed.publicKey.export({ type: 'spki', format: 'pem' }).toString().trim() === request.publicKey.trim();
    if (kept) return former ?? '';
    const made = await X509CertificateGenerator.create({
      ...this.period(SERVER_DAYS), serialNumber: this.serialNumber(), issuer: NAME, subject: 'CN=resilog server',
      publicKey: await webcrypto.subtle.importKey('spki', derOf(request), ALGORITHM, true, ['verify']),
      signingKey: this.keys.privateKey, signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        // Members of a replica set, and nodes of SolrCloud, are one another's clients.
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension([{ type: 'ip', value: request.address }]),
        new AuthorityKeyIdentifierExtension(this.keyId()),
      ],
    });
    return `${made.toString('pem')}\n`;
  }

  private isOurs(certificate: X509Certificate): boolean {
    return certificate.verify(this.publicKey);
  }

  private daysLeft(certificate: X509Certificate): number {
    return (Date.parse(certificate.validTo) - this.options.clock.now()) / DAY_MS;
  }

  private period(days: number): { notBefore: Date; notAfter: Date } {
    const nowMs = this.options.clock.now();
    return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs + days * DAY_MS) };
  }

  /** A leading 01 keeps the number positive and of constant length (RFC 5280, 4.1.2.2). */
  private serialNumber(): string {
    return `01${randomHex(this.options.random, 15)}`;
  }

  private keyId(): string {
    return createHash('sha1').update(this.publicKey.export({ type: 'spki', format: 'der' })).digest('hex');
  }
}

/** The first number below the curve's order that the secret gives; nearly every one is. */
function scalar(secret: string): Buffer {
  for (let attempt = 0; ; attempt += 1) {
    const candidate = createHmac('sha256', secret).update(`authority ${attempt}`).digest();
    const value = BigInt(`0x${candidate.toString('hex')}`);
    if (value > 0n && value < ORDER) return candidate;
  }
}

/** InputError's cause is what OpenSSL says. */
function derOf({ publicKey, address }: ServerRequest): Buffer {
  try {
    return createPublicKey(publicKey).export({ type: 'spki', format: 'der' });
  } catch (error) {
    throw new InputError(`the public key of the server at ${address} can't be read`, { cause: error });
  }
}

/** undefined when it is none: it is made anew then. */
function read(pem: string | undefined): X509Certificate | undefined {
  try {
    return pem === undefined ? undefined : new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
