import { hash } from 'node:crypto';
import { samples } from '../end-to-end/support/samples';

/** Which line it is: of which client, of which of its requests, which one in it. */
export interface LineName {
  readonly client: number;
  readonly request: number;
  readonly line: number;
}

const NAME = /^level=info obligation=(\d+)\/(\d+)\/(\d+) check=([0-9a-f]{10}) /;

/**
 * Lines that can be told apart, and made again from their names: the text of a real line, a name that only it has, and
 * a checksum, in the form whose normalizer makes tags of them; so archive and index can both be asked for them.
 */
export class Lines {
  private readonly texts: readonly string[];

  constructor(private readonly seed: number) {
    // Without what the form would have to escape.
    this.texts = samples().flatMap(({ lines }) => lines.slice(0, 400))
      .map((text) => text.replace(/[^ !#-[\]-~]/g, '').slice(0, 200)).filter((text) => text.length > 20);
  }

  text({ client, request, line }: LineName): string {
    const message = this.texts[(this.seed + client * 7_919 + request * 104_729 + line * 31) % this.texts.length] ?? '';
    const name = `${client}/${request}/${line}`;
    return `level=info obligation=${name} check=${checkOf(name, message)} msg="${message}"`;
  }

  /** Undefined for a text that is no whole line of this run. */
  nameOf(text: string): LineName | undefined {
    const [, client, request, line] = NAME.exec(text) ?? [];
    if (client === undefined) return undefined;
    const name = { client: Number(client), request: Number(request), line: Number(line) };
    return this.text(name) === text ? name : undefined;
  }

  /** The name told by a document's tags; undefined when they are not those of a whole line of this run. */
  nameOfTags(tags: Readonly<Record<string, unknown>>): LineName | undefined {
    const { logfmt_obligation: told, logfmt_check: check, logfmt_msg: message } = tags;
    if (typeof told !== 'string' || typeof message !== 'string') return undefined;
    const [client = NaN, request = NaN, line = NaN] = told.split('/').map(Number);
    const name = { client, request, line };
    const text = `level=info obligation=${told} check=${String(check)} msg="${message}"`;
    return this.text(name) === text ? name : undefined;
  }
}

function checkOf(name: string, message: string): string {
  return hash('sha1', `${name} ${message}`).slice(0, 10);
}
