import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { keyOfCertificate } from '../registry/certificates';
import type { KeyDirectory, KeyOrigin, KeyVerdict, Source } from '../registry/ports';
import { IntakeError, unavailable } from './intake-error';

const KEY = /^[0-9a-f]{64}$/;
const BEARER = /^Bearer +([^ ]+) *$/i;

interface GivenKey {
  readonly key: string;
  readonly via: KeyOrigin;
}

/**
 * Who sends: from the key in the path, in `X-Resilog-Key` or in `Authorization: Bearer`, or from the client
 * certificate, whose private key the TLS handshake proved. Decided from headers alone, before a byte of the body is
 * asked for.
 */
export class Authentication {
  /** Hashing the certificate once a connection is enough. */
  private readonly certificateKeys = new WeakMap<TLSSocket, string | null>();

  constructor(private readonly directory: KeyDirectory) {}

  /** IntakeError: 401 without credentials, 403 unknown or disabled, 503 when nothing reliable is known. */
  async authenticate(request: IncomingMessage, pathKey: string | undefined): Promise<Source> {
    const certificate = this.certificateKey(request);
    const given = givenKey(request, pathKey);
    if (given === undefined) {
      if (certificate === undefined) throw missing();
      return accept(await this.lookUp(certificate, 'certificate'));
    }
    // With the private key proved, it does not matter that the hash came in the path too.
    if (certificate !== undefined && equal(certificate, given.key)) {
      return accept(await this.lookUp(certificate, 'certificate'));
    }
    const verdict = await this.lookUp(given.key, given.via);
    if (verdict.verdict !== 'certificate-required' || certificate === undefined) return accept(verdict);
    // Between rotations a source has two certificates: the key may name one and the handshake prove the other.
    const proved = await this.lookUp(certificate, 'certificate');
    return accept(proved.verdict === 'known' && proved.source.id !== verdict.source.id ? verdict : proved);
  }

  private async lookUp(key: string, via: KeyOrigin): Promise<KeyVerdict> {
    return KEY.test(key) ? this.directory.lookUp(key, via) : { verdict: 'unknown' };
  }

  private certificateKey(request: IncomingMessage): string | undefined {
    const { socket } = request;
    if (!(socket instanceof TLSSocket)) return undefined;
    let key = this.certificateKeys.get(socket);
    if (key === undefined) {
      const certificate = socket.getPeerX509Certificate();
      key = certificate === undefined ? null : keyOfCertificate(certificate.raw);
      this.certificateKeys.set(socket, key);
    }
    return key ?? undefined;
  }
}

function givenKey(request: IncomingMessage, pathKey: string | undefined): GivenKey | undefined {
  if (pathKey !== undefined && pathKey !== '') return { key: pathKey, via: 'path' };
  const header = request.headers['x-resilog-key'];
  if (typeof header === 'string' && header !== '') return { key: header.trim(), via: 'header' };
  const bearer = BEARER.exec(request.headers.authorization ?? '')?.[1];
  return bearer === undefined ? undefined : { key: bearer, via: 'header' };
}

function equal(first: string, second: string): boolean {
  const [a, b] = [Buffer.from(first), Buffer.from(second)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function missing(): IntakeError {
  return new IntakeError('no key and no client certificate was given', {
    status: 401, code: 'key-missing',
    remedy: 'post to /<key>, or send the key as Authorization: Bearer or X-Resilog-Key, or use the client certificate',
  });
}

function accept(verdict: KeyVerdict): Source {
  switch (verdict.verdict) {
    case 'known':
      return verdict.source;
    case 'unavailable':
      throw unavailable('keys-unavailable', 'the keys are not loaded or not reliable now', verdict.retryAfterSeconds);
    case 'unknown':
      throw new IntakeError('this key is not known', {
        status: 403, code: 'key-unknown', remedy: 'check the key, or declare a source with `resilog source add`',
      });
    case 'disabled':
      throw new IntakeError('this source is disabled', {
        status: 403, code: 'source-disabled', remedy: 'enable it with `resilog source enable`',
      });
    case 'certificate-required':
      throw new IntakeError('this source is accepted with its client certificate only', {
        status: 403, code: 'certificate-required', remedy: 'connect with the certificate and private key of the source',
      });
  }
}
