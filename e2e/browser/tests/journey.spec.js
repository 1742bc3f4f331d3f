// A reader's way: home, disease, place, where a figure comes from, and back. Also with scripts switched off.
import { expect, test } from '@playwright/test';
import { disease, profile, words } from './country.js';

for (const language of profile.languages) {
  test.describe(`${language.tag}`, () => {
    const home = `${language.prefix}/`;

    test('home, disease, place, why and back @noscript', async ({ page }) => {
      await page.goto(home);
      await expect(page.locator('html')).toHaveAttribute('lang', language.tag);
      const name = words(language, `disease.${disease.id}.name`);
      await page.getByRole('navigation', { name: words(language, 'nav.main') }).getByRole('link', { name }).click();
      await expect(page.locator('h1')).toContainText(name);
      await page.locator('.more a').first().click();
      await expect(page).toHaveURL(new RegExp(`${language.prefix}/${disease.id}/${profile.nation}$`));

      const sentence = page.locator('.lead').first();
      await expect(sentence).toContainText(/\d/);
      await expect(sentence).toContainText(/20\d\d/);
      await expect(page.locator('svg.chart').first()).toHaveAccessibleName(/.{10}/);
      await expect(page.locator('.facts dt')).not.toHaveCount(0);

      const figure = page.locator('.facts a[href*="/why/"]').first();
      const value = (await figure.innerText()).trim();
      await figure.click();
      await expect(page.locator('h1')).toHaveText(words(language, 'why.title'));
      await expect(page.locator('.record')).toContainText(/[0-9a-f]{64}/);
      await expect(page.locator('.record')).toContainText('https://');
      await expect(page.locator('tr.this td').first()).toHaveText(new RegExp(value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
      await page.locator('.crumbs a').last().click();
      await expect(page).toHaveURL(new RegExp(`/${disease.id}/${profile.nation}$`));
    });

    test('the table has the figures of the chart @noscript', async ({ page }) => {
      await page.goto(`${language.prefix}/${disease.id}/${profile.nation}`);
      const table = page.locator('details table').first();
      await page.locator('details > summary').filter({ hasText: /\(/ }).first().click();
      await expect(table.locator('tbody tr').first()).toBeVisible();
      expect(await table.locator('tbody a[href*="/why/"]').count()).toBeGreaterThan(20);
      await expect(table.locator('caption')).not.toBeEmpty();
    });

    test('a place is found by its name @noscript', async ({ page }) => {
      // The first disease that lists places below the nation.
      for (const { id } of profile.diseases) {
        await page.goto(`${language.prefix}/${id}`);
        const link = page.locator('table.places tbody a').last();
        if ((await link.count()) === 0) continue;
        const name = (await link.innerText()).trim();
        await page.getByLabel(words(language, 'find.label')).fill(name);
        await page.getByRole('button', { name: words(language, 'find.go') }).click();
        await expect(page.locator('.crumbs [aria-current]')).toHaveText(name);
        return;
      }
      throw new Error('no disease of this country lists a place');
    });

    test('turned back, the page says so and forgets what came later @noscript', async ({ page }) => {
      await page.goto(`${language.prefix}/${disease.id}/${profile.nation}`);
      const latest = await page.locator('.lead').first().innerText();
      const field = page.locator('#as_of');
      const now = new Date(await field.inputValue());
      const earlier = new Date(now.getTime() - 28 * 86_400_000).toISOString().slice(0, 10);
      await page.goto(`${language.prefix}/${disease.id}/${profile.nation}?as_of=${earlier}`);
      await expect(page.locator('.notice')).toContainText(words(language, 'as_of.notice').split('%')[0].slice(0, 12));
      expect(await page.locator('.lead').first().innerText()).not.toBe(latest);
      await page.locator('.notice a').click();
      await expect(page.locator('.lead').first()).toHaveText(latest);
    });

    test('the CSV says what it is', async ({ page, request }) => {
      await page.goto(`${language.prefix}/${disease.id}/${profile.nation}`);
      const href = await page.locator('a[href*="data.csv"]').getAttribute('href');
      const answer = await request.get(href);
      expect(answer.headers()['content-type']).toContain('text/csv');
      const lines = (await answer.text()).trim().split('\n');
      expect(lines[0]).toMatch(/^# /);
      const rows = lines.filter((l) => !l.startsWith('#'));
      expect(rows[0]).toMatch(/^kind,signal,source,place,date,week,value/);
      expect(rows.length).toBeGreaterThan(50);
      expect(rows[1]).toMatch(/,\d{4}-\d\d-\d\d,\d{4}-W\d\d,[\d.]*,/);
    });

    test('the feed and the picture carry the notice', async ({ page, request }) => {
      const day = await recorded(request);
      for (const path of [`/feeds/${disease.id}.atom`, `/${disease.id}/${profile.nation}/${profile.main_signal}.svg`]) {
        const answer = await request.get(`${language.prefix}${path}`);
        expect(answer.status(), path).toBe(200);
        if (day) expect(await answer.text(), path).toContain(day.slice(0, 4));
      }
      await page.goto(`${language.prefix}/${disease.id}/${profile.nation}/${profile.main_signal}.svg`);
      await expect(page.locator('svg').first()).toBeVisible();
    });
  });
}

/** The recorded clock, or null. */
async function recorded(request) {
  const build = await (await request.get('/.well-known/build.json')).json();
  return build.clock;
}

test('languages are a click away, on the same page @noscript', async ({ page }) => {
  test.skip(profile.languages.length < 2, 'this country has one language');
  const [first, ...others] = profile.languages;
  for (const other of others) {
    await page.goto(`${first.prefix}/${disease.id}/${profile.nation}`);
    await page.getByRole('link', { name: other.name, exact: true }).click();
    await expect(page).toHaveURL(new RegExp(`${other.prefix}/${disease.id}/${profile.nation}$`));
    await expect(page.locator('html')).toHaveAttribute('lang', other.tag);
    await expect(page.locator('h1')).toContainText(words(other, `disease.${disease.id}.name`));
  }
});

test('how often the forecasts held stands beside the chart, once past weeks are replayed @noscript', async ({ page }) => {
  test.skip(!process.env.VIGIE_RECORD, 'no past week is replayed here');
  test.setTimeout(240_000);
  const language = profile.languages[0];
  const said = words(language, 'outlook.replayed_all');
  await expect(async () => {
    await page.goto(`${language.prefix}/${disease.id}/${profile.nation}`);
    await expect(page.locator('main')).toContainText(said, { timeout: 1_000 });
  }).toPass({ timeout: 220_000 });
  await expect(page.locator('main')).not.toContainText('%{');
});

test('an address without a language goes to the reader’s', async ({ request }) => {
  test.skip(profile.languages.some((l) => l.prefix === ''), 'this country has no prefixes');
  for (const language of profile.languages) {
    const answer = await request.get('/', { headers: { 'accept-language': language.tag }, maxRedirects: 0 });
    expect(answer.status()).toBe(303);
    expect(answer.headers().location).toBe(`${language.prefix}/`);
  }
  const unknown = await request.get('/', { headers: { 'accept-language': 'ja' }, maxRedirects: 0 });
  expect(unknown.headers().location).toBe(`${profile.languages[0].prefix}/`);
});

test('a program that asks for JSON gets a problem, not a page', async ({ request }) => {
  const path = `${profile.languages[0].prefix}/${disease.id}/${profile.nation}?as_of=2999-01-01`;
  const answer = await request.get(path, { headers: { accept: 'application/json' } });
  expect(answer.status()).toBe(400);
  expect(answer.headers()['content-type']).toBe('application/problem+json');
  expect((await answer.json()).code).toBe('invalid');
});
