import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';
import { mockServer } from './tests/mock/plugin.ts';

const server = process.env.MAINSTAY_URL ?? 'http://127.0.0.1:4316';
const mock = process.env.MAINSTAY_MOCK === '1';

export default defineConfig({
  plugins: [sveltekit(), ...(mock ? [mockServer()] : [])],
  // `npm run dev` works against a running server; `npm run mock` needs none.
  server: { proxy: mock ? {} : { '/api': server, '/prometheus': server } },
  build: { target: 'es2022', chunkSizeWarningLimit: 700 },
  test: { include: ['src/**/*.test.ts'] }
});
