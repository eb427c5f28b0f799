/** Bounds of one definition file; beyond them it is refused before it can cost memory or time. */
export const definitionLimits = {
  fileCharacters: 4 * 1024 * 1024,
  depth: 16,
  elements: 50_000,
  attributesOfElement: 32,
  /** Characters of one pattern after its tag types were put in. */
  patternCharacters: 128 * 1024,
  filesOfSet: 1_000,
} as const;
