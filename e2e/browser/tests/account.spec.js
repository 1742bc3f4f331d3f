// Login with each provider of the country, as a person does it: in, one's sessions, out, at a desk and on a phone.
// `vigie up` starts a real provider with sample accounts that stands in for each (services/identity/provider).
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { profile, root, screenshots } from './country.js';

const language = profile.languages[0];
const locale = parse(readFileSync(join(root, 'services/identity/locales', `${language.code}.toml`), 'utf8'));

/** A text of the account's pages, in the country's first language. */
function said(key, values = {}) {
  const text = key.split('.').reduce((table, part) => table[part], locale);
  return text.replace(/%\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

/** Nothing for axe to find, nothing that runs off the screen; a picture of it. */
async function sound(page, name) {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' | ')}`), name).toEqual([]);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wide, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

/** From the login page over the provider to one's account. */
async function login(page, provider, user) {
  await page.goto(`/account?lang=${language.code}`);
  await expect(page.locator('h1')).toHaveText(said('login.title'));
  await page.getByRole('link', { name: said('login.with', { provider: provider.name }), exact: true }).click();
  await expect(page.locator('strong')).toContainText(provider.name);
  await page.getByLabel('Name').fill(user);
  await page.getByLabel('Password').fill('vigie');
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}

/** A browser of its own, in the country's first language. */
function someone(browser, baseURL, width, javaScriptEnabled) {
  return browser.newContext({ baseURL, viewport: { width, height: 900 }, locale: language.tag, javaScriptEnabled });
}

test.describe.configure({ mode: 'serial' });
test.skip(process.env.VIGIE_LOGIN === '0', 'nobody can log in here: the development provider did not start');

for (const provider of profile.identity.providers) {
  for (const width of [360, 1440]) {
    test(`${provider.name} at ${width} px: in, one's sessions, out @noscript`, async ({ browser, baseURL, javaScriptEnabled }) => {
      // An account of its own for each project: each counts the sessions of its own person.
      const user = javaScriptEnabled === false ? 'carol' : 'alice';
      const desk = await someone(browser, baseURL, width, javaScriptEnabled);
      const page = await desk.newPage();
      const picture = javaScriptEnabled !== false;
      await page.goto(`/account?lang=${language.code}`);
      if (picture) await sound(page, `account-login-${provider.id}-${width}`);
      await login(page, provider, user);

      await expect(page).toHaveURL(`${baseURL}/account`);
      await expect(page.locator('h1')).toHaveText(said('account.title'));
      await expect(page.locator('.facts')).toContainText(provider.name);
      // A run that was cut short leaves its sessions.
      const left = page.getByRole('button', { name: said('sessions.end_others'), exact: true });
      if ((await left.count()) > 0) await left.click();
      await expect(page.locator('tbody tr')).toHaveCount(1);
      // The stand-in has the same host, so its own cookies are in the list too.
      const ours = (await desk.cookies(baseURL)).filter((cookie) => cookie.name.includes('vigie'));
      expect(ours.map((cookie) => cookie.name)).toContain('__Host-vigie-session');
      for (const cookie of ours) {
        expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Lax', path: '/' });
      }

      // Somewhere else too; ended from here, it is over there.
      const other = await someone(browser, baseURL, 360, javaScriptEnabled);
      const there = await other.newPage();
      await login(there, provider, user);
      await expect(there.locator('h1')).toHaveText(said('account.title'));
      await page.reload();
      await expect(page.locator('tbody tr')).toHaveCount(2);
      if (picture) await sound(page, `account-${provider.id}-${width}`);
      await page.locator('tbody form button').click();
      await expect(page.getByRole('status')).toHaveText(said('done.ended'));
      await expect(page.locator('tbody tr')).toHaveCount(1);
      await there.reload();
      await expect(there.locator('h1')).toHaveText(said('login.title'));

      // Out here and at the provider.
      await page.getByRole('button', { name: said('account.logout'), exact: true }).click();
      await page.getByRole('button', { name: 'Log out here too' }).click();
      await expect(page).toHaveURL((url) => url.href.startsWith(`${baseURL}/account/goodbye?`));
      await expect(page.getByRole('status')).toHaveText(said('done.out'));
      if (picture) await sound(page, `account-goodbye-${provider.id}-${width}`);
      await page.goto('/account');
      await expect(page.locator('h1')).toHaveText(said('login.title'));
      await desk.close();
      await other.close();
    });
  }
}

test('who proves too little at the provider is not let in, and is told so @noscript', async ({ page }) => {
  const [provider] = profile.identity.providers;
  await login(page, provider, 'bob');
  await expect(page.locator('h1')).toHaveText(said('failed.title'));
  await expect(page.locator('.lead')).toHaveText(said('failed.assurance', { provider: provider.name }));
});

test('the other pages set no cookie and know nobody @noscript', async ({ page, context }) => {
  await page.goto(`${language.prefix}/`);
  expect(await context.cookies()).toEqual([]);
});
