/** An address that may become a link, or null: documents are other people's text. */
export function safeUrl(url: string): string | null {
  try {
    return ['http:', 'https:', 'mailto:'].includes(new URL(url, 'http://localhost').protocol) ? url : null;
  } catch {
    return null;
  }
}
