import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';
import { mockServer } from './tests/mock/plugin.ts';

const server = process.env.MAINSTAY_URL ?? 'http://127.0.0.1:4316';
// A server refuses what another page's script sends it; through the proxy, this page is its own.
const proxied = { target: server, changeOrigin: true, headers: { origin: new URL(server).origin } };
const mock = process.env.MAINSTAY_MOCK === '1';

export default defineConfig({
  plugins: [sveltekit(), ...(mock ? [mockServer()] : [])],
  // `npm run dev` works against a running server; `npm run mock` needs none.
  server: { proxy: mock ? {} : { '/api': proxied, '/prometheus': proxied } },
  build: { target: 'es2022', chunkSizeWarningLimit: 700 },
  test: { include: ['src/**/*.test.ts'] }
});
