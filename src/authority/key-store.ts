import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { Tag, der, oid } from './der';

const OID = {
  data: '1.2.840.113549.1.7.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  /** By Java's convention a certificate is trusted only with it. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyUsage: '2.5.29.37.0',
} as const;

/**
 * Key stores as Java reads them (PKCS #12, RFC 7292): the key is encrypted (AES-256), certificates are not, and there
 * is no MAC. What keeps others from the key is the mode of the file.
 */
export function keyStore(key: string, certificate: string, password: string): Buffer {
  const { raw } = new X509Certificate(certificate);
  const shrouded = createPrivateKey(key).export({
    type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: password,
  });
  const id = attribute(OID.localKeyId, der(Tag.octets, createHash('sha256').update(raw).digest()));
  const name = attribute(OID.friendlyName, bmp('server'));
  return store([
    safeBag(OID.shroudedKeyBag, shrouded, [name, id]),
    safeBag(OID.certificateBag, certificateBag(raw), [name, id]),
  ]);
}

/** The certificates of a PEM text, each as one that is trusted. */
export function trustStore(authorities: string): Buffer {
  const found = authorities.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return store(found.map((pem, index) => safeBag(OID.certificateBag, certificateBag(new X509Certificate(pem).raw), [
    attribute(OID.friendlyName, bmp(`authority-${index}`)), attribute(OID.trustedKeyUsage, oid(OID.anyUsage)),
  ])));
}

function store(bags: readonly Buffer[]): Buffer {
  const safe = contentInfo(der(Tag.sequence, contentInfo(der(Tag.sequence, ...bags))));
  return der(Tag.sequence, der(Tag.integer, Buffer.from([3])), safe);
}

function contentInfo(content: Buffer): Buffer {
  return der(Tag.sequence, oid(OID.data), der(Tag.context, der(Tag.octets, content)));
}

function safeBag(kind: string, value: Buffer, attributes: readonly Buffer[]): Buffer {
  return der(Tag.sequence, oid(kind), der(Tag.context, value), der(Tag.set, ...attributes));
}

function certificateBag(raw: Buffer): Buffer {
  return der(Tag.sequence, oid(OID.x509Certificate), der(Tag.context, der(Tag.octets, raw)));
}

function attribute(kind: string, value: Buffer): Buffer {
  return der(Tag.sequence, oid(kind), der(Tag.set, value));
}

function bmp(text: string): Buffer {
  return der(Tag.bmpString, Buffer.from(text, 'utf16le').swap16());
}
