import { expect } from 'chai';
import type { LogValue } from '../../../src/normaliser/callback';
import { CallbackMismatch } from '../../../src/normaliser/callback';
import { compileDeclared } from '../../../src/normaliser/declared-callback';
import { printLogValue } from '../../../src/normaliser/normaliser';
import type { NormaliserInput } from '../../../src/normaliser/ports';

const INPUT: NormaliserInput = { text: '', receivedMs: Date.UTC(2026, 10, 22, 4), timeZone: 'UTC' };

/** The tags that a declaration makes of a value, dates as Python prints them. */
function tagsOf(declaration: string, value: string): Record<string, string | undefined> {
  const log = new Map<string, LogValue>();
  compileDeclared(`resilog: ${declaration}`)(value, log, INPUT);
  return Object.fromEntries([...log].map(([name, found]) => [name, printLogValue(found)]));
}

describe('callbacks for records', () => {
  describe('json', () => {
    it('name nested fields by their path, under the prefix, and mapped ones by their row', () => {
      expect(tagsOf('json j_\na.b = user\nwhen = date | timestamp\nlevel = severity | severity',
        '{"a":{"b":"ana","c d":1},"when":1795318028.5,"level":"WARNING","ok":true,"none":null,"empty":"","dash":"-"}'))
        .to.deep.equal({
          user: 'ana', j_a_c_d: '1', date: '2026-11-22 03:27:08.500000+00:00', severity: 'warn', severity_code: '4', j_ok: 'true',
        });
    });

    it('leave out fields without a row when there is no prefix', () => {
      expect(tagsOf('json\na = user', '{"a":"ana","b":1}')).to.deep.equal({ user: 'ana' });
    });

    it('keep the digits of numbers, join plain arrays, and give others as JSON', () => {
      expect(tagsOf('json j_', '{"n":9007199254740993,"f":1.50,"e":-1e5,"a":[1,"x",true,null],"o":[{"k":[1]},2],"z":[]}'))
        .to.deep.equal({ j_n: '9007199254740993', j_f: '1.50', j_e: '-1e5', j_a: '1,x,true', j_o: '[{"k":[1]},2]' });
    });

    it('decode escapes, and leave those that JSON does not have as they are', () => {
      expect(tagsOf('json j_', '{"a":"\\u00e9\\n\\"\\\\","b":"\\x41","c\\"d":"e"}'))
        .to.deep.equal({ j_a: 'é\n"\\', j_b: '\\x41', j_c_d: 'e' });
    });

    it('treat keys with $ as MongoDB\'s extended JSON does', () => {
      expect(tagsOf('json j_', '{"t":{"$date":"x"},"u":{"uuid":{"$uuid":"y"}}}')).to.deep.equal({ j_t: 'x', j_u_uuid: 'y' });
    });

    it('keep a value whose conversion refuses like one without a row', () => {
      expect(tagsOf('json j_\nt = date | timestamp\nl = severity | severity', '{"t":"yesterday","l":"loud"}'))
        .to.deep.equal({ j_t: 'yesterday', j_l: 'loud' });
    });

    for (const text of ['', '{', '[1]', '{"a":}', '{"a" 1}', '{"a":1} x', '{"a":1,}', '{a:1}', '{"a":01x}', '{"a":"b}', '{"a":[1,]}', 'x']) {
      it(`do not match ${JSON.stringify(text)}`, () => {
        expect(() => tagsOf('json j_', text)).to.throw(CallbackMismatch);
      });
    }

    it('are bounded: by fields, by length, by depth', () => {
      const wide = `{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":${i}`).join(',')}}`;
      expect(Object.keys(tagsOf('json j_', wide))).to.have.length(64);
      expect(tagsOf('json j_', `{"a":"${'x'.repeat(100_000)}"}`)['j_a']).to.have.length(8_192);
      expect(Object.keys(tagsOf('json j_', `{"${'k'.repeat(1_000)}":1}`))[0]).to.have.length(66);
      const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
      expect(Object.keys(tagsOf('json j_', deep))).to.deep.equal(['j_a_a_a_a_a_a_a_a']);
      expect(Object.keys(tagsOf('json j_', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`))).to.deep.equal(['j_a']);
    });
  });

  it('logfmt: quoted values with escapes, bare words, and no other text', () => {
    expect(tagsOf('logfmt l_\nlevel = severity | severity', 'level=info msg="a \\"b\\"\\n" user.id=7 debug x= '))
      .to.deep.equal({ severity: 'info', severity_code: '6', l_msg: 'a "b"\n', l_user_id: '7', l_debug: 'true' });
    expect(() => tagsOf('logfmt l_', 'level=info msg="unfinished')).to.throw(CallbackMismatch);
    expect(() => tagsOf('logfmt l_', '=x')).to.throw(CallbackMismatch);
  });

  it('cef: header, escapes, values with spaces, labels of custom fields', () => {
    expect(tagsOf('cef c_\ndeviceVendor = device_vendor\nsrc = source_ip',
      '0|A\\|B|P|1|7|n|5|src=192.0.2.7 msg=a b\\=c d cs1Label=Rule Name cs1=x y cs2Label=Alone'))
      .to.deep.equal({
        c_cefVersion: '0', device_vendor: 'A|B', c_deviceProduct: 'P', c_deviceVersion: '1', c_signatureId: '7', c_name: 'n',
        c_severity: '5', source_ip: '192.0.2.7', c_msg: 'a b=c d', c_Rule_Name: 'x y', c_cs2Label: 'Alone',
      });
    expect(() => tagsOf('cef c_', '0|A|B|1')).to.throw(CallbackMismatch);
  });

  it('leef: both versions, and the separator that the header names', () => {
    const header = { l_vendor: 'V', l_product: 'P', l_version: '1', l_eventId: '7' };
    expect(tagsOf('leef l_', '1.0|V|P|1|7|a=b c\td=e=f')).to.deep.equal({ ...header, l_a: 'b c', l_d: 'e=f' });
    expect(tagsOf('leef l_', '2.0|V|P|1|7|^|a=b^d=e')).to.deep.equal({ ...header, l_a: 'b', l_d: 'e' });
    expect(tagsOf('leef l_', '2.0|V|P|1|7|x7C|a=b|d=e')).to.deep.equal({ ...header, l_a: 'b', l_d: 'e' });
    expect(tagsOf('leef l_', '2.0|V|P|1|7||a=b\td=e')).to.deep.equal({ ...header, l_a: 'b', l_d: 'e' });
    expect(() => tagsOf('leef l_', '3.0|V|P|1|7|a=b')).to.throw(CallbackMismatch);
  });

  it('xml: elements, attributes, named data, entities; nothing that is not well formed', () => {
    expect(tagsOf('xml x_', '<?xml version="1.0"?><E xmlns="u"><S a=\'1\'/><T>t &amp; &#233;&#x41;</T><D><Data Name="User">ana</Data></D></E>'))
      .to.deep.equal({ x_S_a: '1', x_T: 't & éA', x_D_User: 'ana' });
    for (const text of ['<a>', '<a></b>', '<a></a>x', 'x', '<a><!DOCTYPE x></a>', '<a b=c/>', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`]) {
      expect(() => tagsOf('xml x_', text), text.slice(0, 20)).to.throw(CallbackMismatch);
    }
  });

  it('timestamp: the forms that machines write', () => {
    for (const [text, date] of [
      ['2026-11-22T03:26:34.123456789Z', '2026-11-22 03:26:34.123456+00:00'],
      ['2026-11-22 03:26:34,123', '2026-11-22 03:26:34.123000'],
      ['2026/11/22 03:26:34', '2026-11-22 03:26:34'],
      ['2026-11-22 03:26:34 UTC', '2026-11-22 03:26:34+00:00'],
      ['2026-11-22T03:26:34-0530', '2026-11-22 03:26:34-05:30'],
      ['22/Nov/2026:03:26:34 +0100', '2026-11-22 03:26:34+01:00'],
      ['1795318028', '2026-11-22 03:27:08+00:00'], ['1795318028.25', '2026-11-22 03:27:08.250000+00:00'],
      ['1795318028123', '2026-11-22 03:27:08.123000+00:00'], ['1795318028123456789', '2026-11-22 03:27:08.123456+00:00'],
      ['Nov 22 2026 03:26:34', '2026-11-22 03:26:34'], ['Nov 22 03:26:34', '2026-11-22 03:26:34'],
    ] as const) expect(tagsOf('timestamp', text), text).to.deep.equal({ date });
    for (const text of ['', 'now', '2026-13-22T03:26:34Z', '2026-11-22T25:26:34Z', '99', '22/Foo/2026:03:26:34 +0100']) {
      expect(() => tagsOf('timestamp', text), text).to.throw();
    }
  });

  it('severity: names and numbers of levels; what is unknown leaves the severity alone', () => {
    for (const [level, severity] of [['ERR', 'error'], ['Warning', 'warn'], ['fatal', 'crit'], ['D2', 'debug'], ['3', 'error'], ['50', 'error']] as const) {
      expect(tagsOf('severity', level), level).to.include({ severity });
    }
    expect(tagsOf('severity', 'loud')).to.deep.equal({});
    expect(tagsOf('severity', '__proto__')).to.deep.equal({});
  });

  it('are refused at load with what is wrong', () => {
    for (const [declaration, problem] of [
      ['json 9', 'prefix'], ['json j_\nnonsense', 'PATH = TAG'], ['json\na = raw', 'the line itself'], ['json\na = date', 'conversion'],
      ['json\na = user | timestamp', 'sets the tag "date"'], ['json\na = user | shout', 'unknown conversion'],
      ['severity x', 'stands alone'], ['yaml', 'unknown verb'],
    ] as const) expect(() => compileDeclared(`resilog: ${declaration}`), declaration).to.throw(problem);
  });

  it('survive whatever bytes come, with nothing but a mismatch', () => {
    let state = 4;
    const below = (bound: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * bound);
    };
    const pieces = ['{', '}', '[', ']', '"', '\\', ':', ',', 'a', '=', '|', ' ', '\t', '\n', '1', 'e', '-', '<', '>', '/', '&#x110000;',
      'true', 'null', '\ud800', '\u0000', '$', 'Name=\'x\'', '<a>', '</a>', '{"a":', '0|', '2.0|V|P|1|7|'];
    for (let i = 0; i < 20_000; i += 1) {
      const text = Array.from({ length: below(24) }, () => pieces[below(pieces.length)] ?? '').join('');
      for (const declaration of ['json j_', 'logfmt l_', 'cef c_', 'leef l_', 'xml x_']) {
        try {
          tagsOf(declaration, text);
        } catch (error) {
          expect(error, `${declaration} of ${JSON.stringify(text)}`).to.be.instanceOf(CallbackMismatch);
        }
      }
    }
  });
});
