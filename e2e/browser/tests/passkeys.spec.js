// Passkeys with the browser's own virtual authenticator, from the first login to a lost device. e2e/passkeys.py runs it: an
// origin with a name, and a role that an operator's command gives.
import { expect, test } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { language, login, said, someone, sound } from './account.js';
import { profile, root } from './country.js';
import { plant } from './plants.js';

const identity = process.env.VIGIE_IDENTITY;
const [provider] = profile.identity.providers;

test.describe.configure({ mode: 'serial' });
test.skip(!identity, 'not run by e2e/passkeys.py, which gives the role');

/** A browser of its own; the public pages' styles come from their file, since their service is not there. */
async function browserOf(browser, baseURL, width, script = true) {
  const context = await someone(browser, baseURL, width, script);
  await context.route('**/static/vigie.*.css', (route) =>
    route.fulfill({ contentType: 'text/css', body: readFileSync(join(root, 'services/web/static/vigie.css'), 'utf8') }));
  return context;
}

/** A device that verifies whoever uses it. */
async function device(context, page) {
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true };
  await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { ...options, isUserVerified: true, automaticPresenceSimulation: true } });
}

/** What a route that only operators may use answers to a token of now. */
function asOperator(page) {
  return page.evaluate(async () => {
    const { access_token: token } = await (await fetch('/account/token', { method: 'POST' })).json();
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
    const answer = await fetch('/account/people/nobody/enable', { method: 'POST', headers });
    return [answer.status, (await answer.json()).code];
  });
}

const press = (page, key) => page.getByRole('button', { name: said(key), exact: true }).click();

for (const [width, user] of [[360, 'alice'], [1440, 'carol']]) {
  test(`a passkey is registered, wanted, used and replaced at ${width} px`, async ({ browser, baseURL }) => {
    const first = await browserOf(browser, baseURL, width);
    const page = await first.newPage();
    await login(page, provider, user);
    await expect(page.locator('h1')).toHaveText(said('account.title'));
    await expect(page.getByRole('link', { name: said('passkeys.title'), exact: true })).toHaveCount(0);
    const number = await page.locator('.facts .code').textContent();
    plant('account', number);
    execFileSync(identity, ['grant', number, 'operator']);
    await page.reload();
    await expect(page.getByRole('note')).toHaveText(said('passkeys.wanted'));

    await device(first, page);
    await page.getByRole('link', { name: said('passkeys.title'), exact: true }).click();
    await expect(page.locator('h1')).toHaveText(said('passkeys.title'));
    expect(await asOperator(page)).toEqual([401, 'step_up']);
    await sound(page, `passkeys-none-${width}`);
    await page.getByLabel(said('passkeys.name'), { exact: true }).fill('Vigie test');
    await press(page, 'passkeys.add_do');
    await expect(page.getByRole('status')).toHaveText(said('passkeys.done.added'));
    await expect(page.locator('.keys h3')).toHaveText('Vigie test');
    expect(await asOperator(page)).toEqual([404, 'not_found']);
    await sound(page, `passkeys-${width}`);
    await press(page, 'passkeys.codes_make');
    await expect(page.locator('.codes li')).toHaveCount(10);
    await sound(page, `passkeys-codes-${width}`);
    const codes = await page.locator('.codes li').allTextContents();
    for (const one of codes) plant('recovery', one);
    const [code] = codes;

    // A new session wants it used.
    await page.goto('/account');
    await press(page, 'account.logout');
    await page.getByRole('button', { name: 'Log out here too' }).click();
    await login(page, provider, user);
    await page.goto('/account/passkeys');
    expect(await asOperator(page)).toEqual([401, 'step_up']);
    await press(page, 'passkeys.confirm_do');
    await expect(page.getByRole('status')).toHaveText(said('passkeys.done.confirmed'));
    expect(await asOperator(page)).toEqual([404, 'not_found']);

    // So does the audit in a session that is newer still, and brings its reader back to where they wanted to go.
    execFileSync(identity, ['grant', number, 'auditor']);
    await page.goto('/account');
    await press(page, 'account.logout');
    await page.getByRole('button', { name: 'Log out here too' }).click();
    await login(page, provider, user);
    await page.getByRole('link', { name: said('trail.title'), exact: true }).click();
    await expect(page.getByRole('status')).toHaveText(said('passkeys.done.wanted'));
    await press(page, 'passkeys.confirm_do');
    await expect(page.locator('h1')).toHaveText(said('trail.title'));
    await expect(page.locator('tbody tr').first()).toContainText('passkey.use');
    await sound(page, `trail-${width}`);
    await first.close();

    // Without the device: the code, then another device.
    const second = await browserOf(browser, baseURL, width);
    const lost = await second.newPage();
    await login(lost, provider, user);
    await lost.goto('/account/passkeys');
    await sound(lost, `passkeys-lost-${width}`);
    await lost.getByLabel(said('passkeys.code'), { exact: true }).fill(code.toLowerCase());
    await press(lost, 'passkeys.code_use');
    await expect(lost.getByRole('status')).toHaveText(said('passkeys.done.recovered'));
    await device(second, lost);
    await lost.getByLabel(said('passkeys.name'), { exact: true }).fill('Vigie two');
    await press(lost, 'passkeys.add_do');
    await expect(lost.locator('.keys h3')).toHaveCount(2);
    await lost.getByRole('button', { name: said('passkeys.remove_of', { name: 'Vigie test' }), exact: true }).click();
    await expect(lost.getByRole('status')).toHaveText(said('passkeys.done.removed'));
    await expect(lost.locator('.keys h3')).toHaveText('Vigie two');

    // Without JavaScript the page says what it is for.
    const plain = await browserOf(browser, baseURL, width, false);
    const still = await plain.newPage();
    await login(still, provider, user);
    await still.goto('/account/passkeys');
    await expect(still.locator('h1')).toHaveText(said('passkeys.title'));
    await expect(still.locator('noscript p')).toBeVisible();
    await expect(still.locator('noscript p')).toHaveText(said('passkeys.no_script'));
    await expect(still.locator('form[data-passkey]:visible')).toHaveCount(0);
    await second.close();
    await plain.close();
  });
}

test('the button that ends a session is in sight on a phone', async ({ browser, baseURL }) => {
  const one = await browserOf(browser, baseURL, 360);
  const page = await one.newPage();
  await login(page, provider, 'dan');
  const two = await browserOf(browser, baseURL, 360);
  await login(await two.newPage(), provider, 'dan');
  await page.goto('/account');
  const button = page.locator('tbody form button').first();
  await expect(button).toBeVisible();
  const box = await button.boundingBox();
  expect(box.x + box.width, 'nothing has to be scrolled sideways').toBeLessThanOrEqual(360);
  const scrolled = await page.locator('.scroll').evaluate((area) => area.scrollLeft);
  expect(scrolled).toBe(0);
  await sound(page, 'account-sessions-360');
  await one.close();
  await two.close();
});
