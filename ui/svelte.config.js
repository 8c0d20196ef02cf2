import adapter from '@sveltejs/adapter-static';

/** @type {import('@sveltejs/kit').Config} */
export default {
  compilerOptions: { runes: true },
  kit: {
    // One page for every path: the server answers unknown paths with index.html.
    adapter: adapter({ pages: 'dist', assets: 'dist', fallback: 'index.html' }),
    // Documents and telemetry are other people's text: whatever slips through may not run or call out.
    csp: {
      mode: 'hash',
      directives: {
        'default-src': ['self'],
        'img-src': ['self', 'data:'],
        'style-src': ['self', 'unsafe-inline'],
        'base-uri': ['self'],
        'object-src': ['none']
      }
    }
  }
};
