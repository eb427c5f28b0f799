import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileDeclared } from '../../../src/normaliser/declared-callback';
import { checkDefinitions } from '../../../src/normaliser/definition-check';
import { selectDefinitions } from '../../../src/normaliser/definition-selection';
import { definitionSetOf, readDefinitionFolder } from '../../../src/normaliser/definition-set';
import { createNormaliser } from '../../../src/normaliser/normaliser';
import type { DefinitionSet } from '../../../src/normaliser/ports';
import { withFiles, withUserFiles } from '../../../src/normaliser/user-definitions';
import { programFolder } from '../../../src/schemas';

const page = (name: string): string => readFileSync(join(programFolder, 'docs', name), 'utf8');

describe('docs/writing-normalizers.md', () => {
  const text = page('writing-normalizers.md');
  const xml = /```xml\n(<\?xml[^]*?)```/.exec(text)?.[1] ?? '';
  let program: DefinitionSet;

  before(async () => {
    program = definitionSetOf(await readDefinitionFolder(join(programFolder, 'normalizers')));
  });

  it('ends with a definition that passes its own check', () => {
    const common = program.files.filter(({ name }) => name.startsWith('common_'));
    const report = checkDefinitions([...common, { name: 'door.xml', xml }]);
    expect(report.failures).to.deep.equal([]);
    expect(report).to.include({ normalizers: 1, patterns: 2, examples: 2, passed: 2 });
  });

  it('shows lines that the definition reads as the page says', () => {
    const lines = /writes\n\n```\n([^]*?)```/.exec(text)?.[1]?.trim().split('\n') ?? [];
    expect(lines).to.have.length(3);
    const normaliser = createNormaliser(withUserFiles(program, withFiles([], [{ name: 'door.xml', xml }])));
    const [first, , third] = lines.map((line) => (
      normaliser.normalise({ text: line, receivedMs: Date.UTC(2026, 10, 22, 4), timeZone: 'UTC' })));
    expect(first?.tags).to.include({
      program: 'doord', door: '12', action: 'accept', user: 'ana@example.org', card: '0x7f3a', elapsed: '214',
    });
    expect(third?.tags).to.include({ door: '3', action: 'deny', reason: 'expired' });
    expect(third?.matched.map(({ normalizer, pattern }) => `${normalizer} (${pattern})`).join(', '))
      .to.equal('syslog-2.0 (syslog-001), doord-1.0 (doord-002)');
  });

  it('names declarations that there are', () => {
    const rows = text.slice(text.indexOf('## Dates, records, tables'));
    const declarations = [...rows.matchAll(/`(resilog: [^`]+)`/g)].map(([, declaration]) => declaration ?? '');
    expect(declarations.length).to.be.at.least(6);
    for (const declaration of declarations) expect(() => compileDeclared(declaration), declaration).to.not.throw();
  });
});

describe('docs/tag-vocabulary.md', () => {
  it('has every tag that our own definitions set', async () => {
    const text = page('tag-vocabulary.md');
    const known = new Set([...text.matchAll(/[`*]([a-z][A-Za-z0-9_]*)[`*]/g)].map(([, name]) => name));
    const set = definitionSetOf(await readDefinitionFolder(join(programFolder, 'normalizers')));
    const missing = selectDefinitions(set).flatMap(({ definition }) => {
      const named = definition.patterns.flatMap(({ tags, commonTags }) => [
        ...tags.map(({ name }) => name), ...commonTags.map(([name]) => name)]);
      const declared = [...definition.callbacks.values()].flatMap(({ body }) => [
        ...[...body.matchAll(/^\s*\S.*? = (\w+)(?: \||$)/gm)].filter(() => /^\s*resilog: (?:json|logfmt|cef|leef|xml)/.test(body)),
        ...[...body.matchAll(/^\s*resilog: (?:table|slice|lower|upper) (\w+)/g)],
      ].map(([, name]) => name ?? ''));
      return [...named, ...declared].filter((name) => !name.startsWith('__') && !known.has(name))
        .map((name) => `${definition.id}: ${name}`);
    });
    expect(missing).to.deep.equal([]);
  });
});
