// What journeys of a person have around the pages: letters, an operator at the machine, a browser that writes down what it did.
import { expect } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './country.js';

/** Where the mail server of the test puts its letters; without it these journeys do not apply. */
export const post = process.env.VIGIE_POST;
/** The process of `vigie up`; without it nobody gives a role. */
export const up = process.env.VIGIE_UP;

/** An address that nobody has used: how often one is written to is limited. */
export const address = () => `reader-${randomBytes(6).toString('hex')}@canary.test`;

/** All letters to an address, in order. */
export function letters(to) {
  const all = readdirSync(post).filter((name) => name.endsWith('.json')).sort();
  return all.map((name) => JSON.parse(readFileSync(join(post, name), 'utf8'))).filter((letter) => letter.to.includes(to));
}

/** The n-th letter to an address, when it is there. */
export async function letter(to, n = 1) {
  await expect.poll(() => letters(to).length, { message: `letter ${n} to ${to}`, timeout: 20_000 }).toBeGreaterThanOrEqual(n);
  return letters(to)[n - 1];
}

/** The address of this site in a letter whose path begins so, and which leads nowhere else. */
export function link(baseURL, { text }, path) {
  const found = text.split('\n').find((line) => line.startsWith(`${baseURL}${path}`));
  expect(found, `${path} in ${text}`).toBeTruthy();
  return found.trim();
}

/** What an operator does on the machine: `identity grant NUMBER ROLE`. */
export function operator(...words) {
  return execFileSync('python3', [join(root, 'e2e/running.py'), up, 'identity', ...words], { encoding: 'utf8', stdio: 'pipe' });
}

/** The same, whether or not it was so already. */
export function operatorTries(...words) {
  try { operator(...words); } catch { /* it was so already */ }
}

/** Writes down what a browser asks for, what its console complains of, and which cookies it is given. */
export function watch(context, baseURL) {
  const seen = { faults: [], elsewhere: [], cookies: new Set() };
  // The stand-in of a provider has pages of its own, at another port of this machine.
  const ours = (m) => !m.location().url.startsWith('http://127.0.0.1:') || m.location().url.startsWith(`${baseURL}/`);
  context.on('console', (m) => m.type() === 'error' && ours(m) && seen.faults.push(m.text()));
  context.on('weberror', (e) => seen.faults.push(e.error().message));
  context.on('request', (r) => {
    // A person goes to the provider's page; nothing of it is loaded into ours.
    const goes = r.isNavigationRequest() && new URL(r.url()).hostname === new URL(baseURL).hostname;
    if (!r.url().startsWith(`${baseURL}/`) && !goes) seen.elsewhere.push(r.url());
  });
  context.on('response', async (r) => {
    if (!r.url().startsWith(`${baseURL}/`)) return;
    for (const { name, value } of await r.headersArray().catch(() => [])) {
      if (name.toLowerCase() === 'set-cookie' && !value.includes('Max-Age=0')) seen.cookies.add(value.replace(/=.*?;/, '=…;').replace(/Max-Age=\d+/, 'Max-Age=…'));
    }
  });
  return seen;
}

const COOKIE = '=…; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=…';

/** No violation of the content policy, nothing from elsewhere, nothing kept in the browser but the cookies with these names. */
export async function quiet(seen, page, names) {
  expect(seen.faults, 'faults in the console').toEqual([]);
  expect(seen.elsewhere, 'requests to other sites').toEqual([]);
  const allowed = names.map((name) => `__Host-vigie-${name}${COOKIE}`);
  expect([...seen.cookies].filter((cookie) => !allowed.includes(cookie)), 'cookies').toEqual([]);
  expect(await page.locator('script:not([src^="/account/static/"])').count(), 'scripts').toBe(0);
}

/** Nothing lies in the browser's other stores. */
export async function emptyStores(page) {
  const kept = () => page.evaluate(async () => [
    localStorage.length, sessionStorage.length, (await indexedDB.databases()).length, (await caches.keys()).length,
    (await navigator.serviceWorker.getRegistrations()).length, document.cookie]);
  expect(await kept()).toEqual([0, 0, 0, 0, 0, '']);
}

/** What a receipt says, once its signature holds by a key that the site publishes. */
export async function genuine(request, receipt) {
  const [head, body, signature] = receipt.trim().split('.');
  const { alg, kid } = JSON.parse(Buffer.from(head, 'base64url'));
  expect(alg).toBe('EdDSA');
  const { keys } = await (await request.get('/account/receipts/keys.json')).json();
  const key = createPublicKey({ key: keys.find((k) => k.kid === kid), format: 'jwk' });
  const holds = (text) => verify(null, Buffer.from(`${head}.${text}`), key, Buffer.from(signature, 'base64url'));
  expect(holds(body), 'the signature').toBe(true);
  const other = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url')), kind: 'other' })).toString('base64url');
  expect(holds(other), 'a changed receipt').toBe(false);
  return JSON.parse(Buffer.from(body, 'base64url'));
}

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** The file that a button gives. */
export async function download(page, button) {
  const [file] = await Promise.all([page.waitForEvent('download'), button.click()]);
  return [file.suggestedFilename(), readFileSync(await file.path())];
}
