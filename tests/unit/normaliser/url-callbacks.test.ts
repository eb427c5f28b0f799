import { expect } from 'chai';
import type { LogValue } from '../../../src/normaliser/callback';
import { decodeReferer, decodeRequestUrl, parseUrl, registrableDomainOf } from '../../../src/normaliser/callbacks/url';

const INPUT = { text: '', receivedMs: 0, timeZone: 'UTC' };

describe('URLs', () => {
  it('are taken apart as by Python’s urlparse', () => {
    const cases: readonly [string, string, string, string][] = [
      ['http://www.Example.org:8080/a/b;c?d#e', 'http', 'www.example.org', '/a/b'],
      ['HTTPS://user:secret@host.example/x;y/z', 'https', 'host.example', '/x;y/z'],
      ['ftp://[2001:DB8::1]:21/f', 'ftp', '2001:db8::1', '/f'],
      ['//host/path', '', 'host', '/path'],
      ['/index.html?q=1', '', '', '/index.html'],
      ['host.example:443', '', '', 'host.example:443'],
      ['host.example:443x', 'host.example', '', '443x'],
      ['mailto:a@b', 'mailto', '', 'a@b'],
      ['http:', 'http', '', ''],
      ['http://h?q', 'http', 'h', ''],
      ['-', '', '', '-'],
      ['', '', '', ''],
    ];
    for (const [url, scheme, host, path] of cases) expect(parseUrl(url), url).to.deep.equal({ scheme, host, path });
  });

  it('with half a bracket are refused', () => {
    expect(() => parseUrl('http://[::1/x')).to.throw('half a bracket');
    expect(() => parseUrl('http://::1]/x')).to.throw('half a bracket');
  });

  it('belong to the domain below their public suffix', () => {
    const cases: readonly [string, string][] = [
      ['www.example.com', 'example.com'], ['example.com', 'example.com'], ['a.b.co.uk', 'b.co.uk'], ['co.uk', 'co.uk'],
      ['www.ck', 'www.ck'], ['a.b.c.ck', 'b.c.ck'], ['x.github.io', 'github.io'], ['10.10.4.7', '10.10.4.7'],
      ['10.10.4.256', '10.4.256'], ['intranet', 'intranet'], ['srv.intern', 'srv.intern'], ['a.srv.intern', 'srv.intern'],
      ['2001:db8::1', '2001:db8::1'], ['..', '.'],
    ];
    for (const [host, domain] of cases) expect(registrableDomainOf(host), host).to.equal(domain);
  });

  it('give tags for the request and for the referer, and none for what they lack', () => {
    const run = (callback: typeof decodeReferer, url: string): Record<string, LogValue> => {
      const log = new Map<string, LogValue>();
      callback(url, log, INPUT);
      return Object.fromEntries(log);
    };
    expect(run(decodeRequestUrl, 'https://www.example.com/a')).to.deep.equal({
      url_hostname: 'www.example.com', url_domain: 'example.com', url_path: '/a', url_proto: 'https',
    });
    expect(run(decodeReferer, 'https://www.example.com/a')).to.deep.equal({
      referer_hostname: 'www.example.com', referer_domain: 'example.com', referer_path: '/a',
    });
    expect(run(decodeRequestUrl, '-')).to.deep.equal({ url_path: '-' });
  });
});
