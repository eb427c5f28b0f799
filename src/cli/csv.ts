/** One row of RFC 4180: fields with a comma, a quote or a line end are quoted, quotes doubled. */
export function csvRow(fields: readonly string[]): string {
  return fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',');
}
