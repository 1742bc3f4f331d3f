// API keys as a specialist has them: made, seen once, used at the technical API by a program, replaced, revoked.
import { expect, test } from '@playwright/test';
import { login, said, someone, sound } from './account.js';
import { apps, profile } from './country.js';
import { emptyStores, operator, operatorTries, quiet, up, watch } from './person.js';
import { plant } from './plants.js';

test.describe.configure({ mode: 'serial' });
test.skip(process.env.VIGIE_LOGIN === '0' || !up, 'nobody can log in or be given a role here');

const [provider] = profile.identity.providers;
const SIGNALS = '/api/data/v1/signals';
const widths = profile.identity.keys ? [390, 1440] : [];

test(`keys are where the technical API is, and nowhere else`, async ({ request }) => {
  expect(Boolean(profile.identity.keys)).toBe(apps.includes('data-api'));
  expect((await request.get('/account/keys')).status()).toBe(widths.length ? 401 : 404);
});

for (const width of widths) {
  test(`a key is made, seen once, used, replaced and revoked at ${width} px`, async ({ browser, baseURL, playwright }) => {
    const context = await someone(browser, baseURL, width);
    const seen = watch(context, baseURL);
    const page = await context.newPage();
    /** What the technical API answers to a program with a key. */
    const asks = async (key, path = SIGNALS) => {
      const program = await playwright.request.newContext({ baseURL, extraHTTPHeaders: key ? { authorization: `Bearer ${key}` } : {} });
      const answer = await program.get(path);
      const told = [answer.status(), answer.headers(), await answer.text()];
      await program.dispose();
      return told;
    };
    const press = (scope, key) => scope.getByRole('button', { name: new RegExp(`^${said(key)}`) }).click();
    const row = (key) => page.locator('tbody tr').filter({ hasText: `vigie_${profile.country}_…${key.slice(-4)}` });

    await login(page, provider, 'erin');
    await expect(page.locator('h1')).toHaveText(said('account.title'));
    const number = await page.locator('.facts .code').textContent();
    plant('account', number);
    operatorTries('revoke', number, 'specialist');
    await page.goto('/account/keys');
    await expect(page.locator('h1')).toHaveText(said('keys.title'));
    await expect(page.getByRole('note')).toHaveText(said('keys.no_role'));
    await expect(page.getByLabel(said('keys.name'), { exact: true })).toHaveCount(0);
    await sound(page, `keys-no-role-${width}`);

    operator('grant', number, 'specialist');
    await page.reload();
    await sound(page, `keys-new-${width}`);
    const name = 'Vigie test <b>&amp;';
    await page.getByLabel(said('keys.name'), { exact: true }).fill(name);
    await page.getByLabel(said('keys.days'), { exact: true }).fill('2');
    await press(page, 'keys.make');
    await expect(page.locator('h1')).toHaveText(said('keys.made'));
    await expect(page.locator('#key')).toHaveText(name);
    const first = await page.locator('.secret').textContent();
    plant('key', first);
    expect(first).toMatch(/^vigie_[a-z]{2}_[0-9A-Za-z]{49}$/);
    await sound(page, `keys-made-${width}`);
    await page.getByRole('link', { name: said('keys.back'), exact: true }).click();
    await expect(page.locator('h1')).toHaveText(said('keys.title'));
    expect(await page.content(), 'it is shown once').not.toContain(first.slice(9, -4));
    await expect(row(first)).toContainText(said('keys.state.active'));
    await expect(row(first)).toContainText(said('keys.never'));

    const [status, headers] = await asks(first);
    expect(status).toBe(200);
    expect(headers['set-cookie']).toBeUndefined();
    expect((await asks(first, `${SIGNALS}?key=${first}`))[0], 'in an address').toBe(400);
    expect((await asks(`${first.slice(0, -1)}${first.endsWith('0') ? '1' : '0'}`))[0], 'mistyped').toBe(401);
    const [refused, , why] = await asks(first, '/api/data/v1/bulk');
    expect([refused, JSON.parse(why).code], 'what it was not made for').toEqual([403, 'forbidden']);
    await page.reload();
    await expect(row(first)).not.toContainText(said('keys.never'));

    // The old one goes on beside the new one.
    await press(row(first), 'keys.rotate');
    await expect(page.locator('h1')).toHaveText(said('keys.made'));
    const second = await page.locator('.secret').textContent();
    plant('key', second);
    expect(second).not.toBe(first);
    for (const key of [first, second]) expect((await asks(key))[0]).toBe(200);
    await page.getByRole('link', { name: said('keys.back'), exact: true }).click();
    await expect(row(first)).toContainText(said('keys.state.replaced'));
    await expect(row(second)).toContainText(said('keys.state.active'));
    await sound(page, `keys-replaced-${width}`);

    // Revoked, it is refused at the next request; what has no key goes on.
    await press(row(second), 'keys.revoke');
    await expect(page.getByRole('status')).toHaveText(said('keys.done.revoked'));
    expect([(await asks(second))[0], (await asks(first))[0], (await asks())[0]]).toEqual([401, 200, 200]);
    // With the role goes the key.
    operator('revoke', number, 'specialist');
    expect((await asks(first))[0]).toBe(401);
    operator('grant', number, 'specialist');
    expect((await asks(first))[0]).toBe(200);
    await press(row(first), 'keys.revoke');
    await expect(page.getByRole('status')).toHaveText(said('keys.done.revoked'));
    expect((await asks(first))[0]).toBe(401);
    await expect(row(first)).toContainText(said('keys.state.revoked'));
    await expect(row(first).getByRole('button')).toHaveCount(0);
    await sound(page, `keys-revoked-${width}`);
    operator('revoke', number, 'specialist');
    await emptyStores(page);
    await quiet(seen, page, ['session', 'login']);
    await context.close();
  });
}
