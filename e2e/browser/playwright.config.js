// Journeys through one running country.
//
//   VIGIE_URL      where it runs: http://127.0.0.1:8080 (start it with `make up COUNTRY=fr`)
//   VIGIE_COUNTRY  which country it is: the name of a folder of clusters/ (default: fr)
//   CHROMIUM       the browser (default: /usr/bin/chromium); nothing is downloaded
//
//   npm ci && VIGIE_URL=… VIGIE_COUNTRY=… npx playwright test
//
// What must be there and what must be absent is read from the repository: profile.toml and clusters/<country>/apps.
// Screenshots of every kind of page stay in target/reports/screenshots/<country>/.
import { defineConfig } from '@playwright/test';

const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

export default defineConfig({
  testDir: 'tests',
  outputDir: '../../target/reports/playwright',
  fullyParallel: true,
  // A browser waits for the service half of its time, and the service for it.
  workers: 2,
  forbidOnly: Boolean(process.env.CI),
  timeout: 300_000,
  reporter: [['list']],
  use: {
    // Nothing on these pages waits for anything: a click that waits is a fault of the test.
    actionTimeout: 15_000,
    navigationTimeout: 30_000,
    baseURL: process.env.VIGIE_URL ?? 'http://127.0.0.1:8080',
    browserName: 'chromium',
    locale: 'en-US',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [...sandbox, '--disable-dev-shm-usage', '--disable-gpu'],
    },
  },
  projects: [
    { name: 'with JavaScript' },
    { name: 'without JavaScript', use: { javaScriptEnabled: false }, grep: /@noscript/ },
  ],
});
