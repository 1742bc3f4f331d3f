// Every kind of page, in every language, on a phone and on a desk, in light and dark: no fault that axe can find,
// nothing from elsewhere, nothing stored, nothing heavy, nothing that runs off the screen.
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { disease, profile, screenshots, shared, templates, words } from './country.js';

const widths = [360, 1440];
const schemes = ['light', 'dark'];

/** In the dark only colours differ. */
function axe(page, colorScheme) {
  const builder = new AxeBuilder({ page });
  if (colorScheme === 'dark') return builder.withRules(['color-contrast', 'link-in-text-block']);
  return builder.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']);
}

/** All templates of a language, with a page of the `why` kind found on the place page. */
async function paths(page, language) {
  await page.goto(`${language.prefix}/${disease.id}/${profile.nation}`);
  const why = await page.locator('a[href*="/why/"]').first().getAttribute('href');
  return [...templates.map(([name, path]) => [name, `${language.prefix}${path}`]), ['why', why]];
}

for (const language of profile.languages) {
  for (const width of widths) {
    for (const colorScheme of schemes) {
      test(`${language.tag} at ${width} px, ${colorScheme}`, async ({ browser, baseURL }) => {
        test.setTimeout(480_000);
        const context = await browser.newContext({ baseURL, viewport: { width, height: 900 }, colorScheme });
        const page = await context.newPage();
        mkdirSync(screenshots, { recursive: true });
        for (const [name, path] of await paths(page, language)) {
          await test.step(`${name}: ${path}`, async () => {
            const elsewhere = [];
            page.on('request', (r) => {
              if (!r.url().startsWith(baseURL) && !r.url().startsWith('data:')) elsewhere.push(r.url());
            });
            const faults = [];
            page.on('console', (m) => m.type() === 'error' && faults.push(m.text()));
            await page.goto(path);
            await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
            const { violations } = await axe(page, colorScheme).analyze();
            expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' | ')}`)).toEqual([]);
            const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
            expect(wide, 'the page is wider than the screen').toBeLessThanOrEqual(0);
            expect(elsewhere, 'requests to other sites').toEqual([]);
            expect(faults.filter((f) => !f.includes('404')), 'faults in the console').toEqual([]);
            expect(await context.cookies(), 'cookies').toEqual([]);
            await page.goto(path);
            await page.screenshot({
              path: join(screenshots, `${language.code}-${name}-${width}-${colorScheme}.png`),
              fullPage: true,
            });
            page.removeAllListeners();
          });
        }
        await context.close();
      });
    }
  }

  test(`${language.tag}: notice and disclaimer on every page, which is light @noscript`, async ({ page, request }) => {
    const build = await (await request.get('/.well-known/build.json')).json();
    const disclaimer = shared(language, 'notice.disclaimer');
    const recorded = shared(language, 'notice.recorded').split('%')[0].trim();
    for (const [name, path] of await paths(page, language)) {
      let weight = 0;
      const add = async (r) => {
        const body = await r.body().catch(() => Buffer.alloc(0));
        weight += body.length;
      };
      page.on('response', add);
      const answer = await page.goto(path);
      await page.waitForLoadState('networkidle');
      page.off('response', add);
      expect(answer.status(), name).toBe(name === 'not-found' ? 404 : 200);
      await expect(page.locator('footer'), name).toContainText(disclaimer);
      if (build.clock) await expect(page.locator('.notice'), name).toContainText(recorded);
      expect(weight, `${name} weighs ${weight} bytes, unpacked`).toBeLessThan(100_000);
      await expect(page.locator('script'), name).toHaveCount(0);
    }
  });

  test(`${language.tag}: a page that does not exist says so @noscript`, async ({ page }) => {
    for (const path of ['/not/a/page/of/ours', `/${disease.id}/XX`, '/why/nothing']) {
      const answer = await page.goto(`${language.prefix}${path}`);
      expect(answer.status(), path).toBe(404);
      await expect(page.locator('h1')).toHaveText(words(language, 'error.not_found.title'));
    }
    const answer = await page.goto(`${language.prefix}/${disease.id}/${profile.nation}?as_of=soon`);
    expect(answer.status()).toBe(400);
    await expect(page.locator('h1')).toHaveText(words(language, 'error.invalid.title'));
  });

  test(`${language.tag}: the keyboard reaches the content`, async ({ page }) => {
    await page.goto(`${language.prefix}/${disease.id}/${profile.nation}`);
    await page.keyboard.press('Tab');
    await expect(page.locator('.skip')).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.locator('main')).toBeFocused();
    await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
    const scroll = page.locator('.scroll').first();
    await scroll.focus();
    await expect(scroll).toBeFocused();
  });

  test(`${language.tag}: it prints, without its navigation`, async ({ page }) => {
    await page.goto(`${language.prefix}/${disease.id}/${profile.nation}`);
    await page.emulateMedia({ media: 'print' });
    await expect(page.locator('.menu')).toBeHidden();
    await expect(page.locator('.lead').first()).toBeVisible();
    await expect(page.locator('svg.chart').first()).toBeVisible();
  });
}

test('answers carry their safety headers', async ({ request }) => {
  const answer = await request.get(`${profile.languages[0].prefix}/`);
  const headers = answer.headers();
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['content-security-policy']).not.toContain('unsafe-inline');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['referrer-policy']).toBe('no-referrer');
  expect(headers['set-cookie']).toBeUndefined();
});
