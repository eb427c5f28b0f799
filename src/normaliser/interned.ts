/** The same text as the one string that V8 keeps of it for names of properties: two such are compared at once. */
export function interned(name: string): string {
  return Object.keys({ [name]: true })[0] ?? name;
}
