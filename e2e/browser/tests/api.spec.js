// The description of the technical API as a page, where a country has that API.
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { apps } from './country.js';

const looks = apps.includes('data-api') ? [[360, 'light'], [1440, 'dark']] : [];

for (const [width, colorScheme] of looks) {
  test(`the page of the technical API at ${width} px, ${colorScheme}`, async ({ browser, baseURL }) => {
    const context = await browser.newContext({ baseURL, viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const elsewhere = [];
    const faults = [];
    page.on('request', (r) => !r.url().startsWith(baseURL) && elsewhere.push(r.url()));
    page.on('console', (m) => m.type() === 'error' && faults.push(m.text()));
    await page.goto('/api/data/v1/docs');
    const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await new AxeBuilder({ page }).withTags(rules).analyze();
    expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' | ')}`)).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wide, 'the page is wider than the screen').toBeLessThanOrEqual(0);
    expect([elsewhere, faults.filter((f) => !f.includes('404'))], 'requests to other sites, faults').toEqual([[], []]);
    const example = await page.locator('a[href*="/why/"]').first().getAttribute('href');
    expect((await context.request.get(example)).status(), example).toBe(200);
    await context.close();
  });
}
