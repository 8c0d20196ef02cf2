// The page is a client of the API and nothing else: no rendering on a server.
export const ssr = false;
export const prerender = false;
