/** Stands in until the server's OpenAPI document is there to generate from. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Loose = Record<'get' | 'post' | 'patch', any>;
export type paths = Record<string, Loose>;
