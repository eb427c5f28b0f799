/** What a small definition for a test is made of; each tag is named as its substitute in lower case. */
export interface TestDefinition {
  readonly name?: string;
  readonly version?: string;
  readonly attributes?: string;
  readonly appliedTo?: string;
  readonly text?: string;
  readonly textAttributes?: string;
  /** Substitute → regular expression of its tag type. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Substitute → names of callbacks. */
  readonly uses?: Readonly<Record<string, readonly string[]>>;
  /** Name → body. */
  readonly callbacks?: Readonly<Record<string, string>>;
  /** Further patterns, complete. */
  readonly morePatterns?: string;
  readonly prerequisites?: Readonly<Record<string, string>>;
  readonly finalCallbacks?: readonly string[];
  readonly commonTags?: Readonly<Record<string, string>>;
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The XML of a normalizer with one pattern, `p1`, and what else is asked for. */
export function normalizerXml(definition: TestDefinition): string {
  const { tags = {}, callbacks = {}, uses = {}, prerequisites = {}, commonTags = {}, finalCallbacks = [] } = definition;
  const wrap = (name: string, content: string): string => (content === '' ? '' : `<${name}>${content}</${name}>`);
  const list = (entries: Readonly<Record<string, string>>, element: string): string => Object.entries(entries)
    .map(([name, text]) => `<${element} name="${escapeXml(name)}">${escapeXml(text)}</${element}>`).join('');
  const types = Object.entries(tags)
    .map(([name, regexp]) => `<tagType name="T${name}"><regexp>${escapeXml(regexp)}</regexp></tagType>`).join('');
  const tagList = Object.keys(tags).map((substitute) => {
    const used = (uses[substitute] ?? []).map((name) => `<callback>${escapeXml(name)}</callback>`).join('');
    return `<tag name="${substitute.toLowerCase()}" tagType="T${substitute}"><substitute>${substitute}</substitute>`
      + `${wrap('callbacks', used)}</tag>`;
  }).join('');
  return `<normalizer name="${definition.name ?? 'test'}" version="${definition.version ?? '1.0'}"
    appliedTo="${definition.appliedTo ?? 'raw'}" ${definition.attributes ?? ''}>
${wrap('tagTypes', types)}${wrap('callbacks', list(callbacks, 'callback'))}${wrap('prerequisites', list(prerequisites, 'prereqTag'))}
<patterns><pattern name="p1"><text ${definition.textAttributes ?? ''}>${escapeXml(definition.text ?? 'x')}</text>
<tags>${tagList}</tags></pattern>${definition.morePatterns ?? ''}</patterns>
${wrap('commonTags', list(commonTags, 'commonTag'))}
${wrap('finalCallbacks', finalCallbacks.map((name) => `<callback>${name}</callback>`).join(''))}
</normalizer>`;
}
