// What journeys through the account's pages share.
import AxeBuilder from '@axe-core/playwright';
import { expect } from '@playwright/test';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { profile, root, screenshots } from './country.js';
import { plant, plants } from './plants.js';

export const language = profile.languages[0];

/** The texts of the account's pages in one language, by key. */
export function texts({ code }) {
  const locale = parse(readFileSync(join(root, 'services/identity/locales', `${code}.toml`), 'utf8'));
  return (key, values = {}) => {
    const text = key.split('.').reduce((table, part) => table[part], locale);
    return text.replace(/%\{(\w+)\}/g, (_, name) => values[name] ?? '');
  };
}

/** The same in the country's first language. */
export const said = texts(language);

/** Nothing for axe to find, nothing that runs off the screen; a picture of it. */
export async function sound(page, name) {
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
export async function login(page, provider, user, spoken = language) {
  const word = texts(spoken);
  plants(page.context());
  plant('subject', user);
  await page.goto(`/account?lang=${spoken.code}`);
  await expect(page.locator('h1')).toHaveText(word('login.title'));
  await page.getByRole('link', { name: word('login.with', { provider: provider.name }), exact: true }).click();
  await expect(page.locator('strong')).toContainText(provider.name);
  await page.getByLabel('Name').fill(user);
  await page.getByLabel('Password').fill('vigie');
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}

/** A browser of its own, in the country's first language unless it is said. */
export async function someone(browser, baseURL, width, javaScriptEnabled, spoken = language) {
  const context = await browser.newContext({ baseURL, viewport: { width, height: 900 }, locale: spoken.tag, javaScriptEnabled });
  plants(context);
  return context;
}
