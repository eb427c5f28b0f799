/** The little of DER (ITU-T X.690) that writing a key store takes. */
export const Tag = {
  integer: 0x02, octets: 0x04, oid: 0x06, bmpString: 0x1e, sequence: 0x30, set: 0x31, context: 0xa0,
} as const;
export type Tag = (typeof Tag)[keyof typeof Tag];

export function der(tag: Tag, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body), body]);
}

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return der(Tag.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function lengthOf(body: Buffer): Buffer {
  if (body.length < 0x80) return Buffer.from([body.length]);
  const hex = body.length.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits.unshift((rest & 0x7f) | 0x80);
  }
  return digits;
}
