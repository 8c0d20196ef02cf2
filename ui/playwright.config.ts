import { defineConfig } from '@playwright/test';

/**
 * Looks at a running Mainstay with data, e.g. `mainstay demo`: MAINSTAY_URL=http://127.0.0.1:4316 npm run e2e.
 * The browser is the system's Chromium; CHROMIUM names another one.
 */
export default defineConfig({
  testDir: 'tests',
  // Emptied at each run, unlike the pictures beside it.
  outputDir: 'test-results/failures',
  // Generous: the server that is looked at is not optimised, and the machine may be busy.
  timeout: 90_000,
  expect: { timeout: 30_000 },
  workers: 1,
  reporter: [['list']],
  use: {
    baseURL: process.env.MAINSTAY_URL ?? 'http://127.0.0.1:4316',
    viewport: { width: 1400, height: 900 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
    }
  }
});
