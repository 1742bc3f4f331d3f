// Alerts by mail, without an account: chosen, confirmed from the letter, sent when the forecast is there, stopped by one click.
import { expect, test } from '@playwright/test';
import { someone, sound, texts } from './account.js';
import { profile } from './country.js';
import { address, emptyStores, letter, letters, link, operator, post, quiet, up, watch } from './person.js';

test.describe.configure({ mode: 'serial' });
test.skip(!post || !up, 'no mail server was started for this');

const [first] = profile.languages;
// Each language on a phone, the first at a desk; without JavaScript where there is but one language, which is enough.
const plain = profile.languages.length === 1 ? [[first, 390, false]] : [];
const looks = [...profile.languages.map((l) => [l, 390, true]), [first, 1440, true], ...plain];
const press = (page, word) => page.getByRole('button', { name: word, exact: true }).click();

for (const [spoken, width, script] of looks) {
  const look = `${spoken.tag} at ${width} px${script ? '' : ' without JavaScript'}`;
  test(`${look}: an alert is chosen, confirmed, sent and stopped`, async ({ browser, baseURL, playwright }) => {
    const word = texts(spoken);
    const context = await someone(browser, baseURL, width, script, spoken);
    const seen = watch(context, baseURL);
    const page = await context.newPage();
    const picture = (name) => (script ? sound(page, `${name}-${spoken.code}-${width}`) : null);
    const email = address();
    const choose = async (place) => {
      await page.goto(`/account/alerts?lang=${spoken.code}`);
      await expect(page.locator('h1')).toHaveText(word('alerts.title'));
      await page.getByLabel(word('alerts.place_code'), { exact: true }).fill(place);
      await page.getByLabel(word('alerts.threshold'), { exact: true }).fill('0,01');
      await page.getByLabel(word('rights.email'), { exact: true }).fill(email);
      await press(page, word('alerts.send'));
    };
    await page.goto(`/account/alerts?lang=${spoken.code}`);
    await picture('alerts');
    await choose('XX-NOWHERE');
    await expect(page.getByRole('status')).toHaveText(word('alerts.done.place'));
    await choose(profile.nation);
    await expect(page.getByRole('status')).toHaveText(word('alerts.done.sent'));
    await picture('alerts-sent');

    // Nothing counts before the link is used and the button pressed.
    const asked = await letter(email);
    expect(asked.headers.subject).toBe(word('mail.confirm.subject'));
    expect(asked.text.replace(/\s+/g, ' ')).toContain(word('alerts.consent').replace(/\s+/g, ' '));
    operator('alerts', 'run');
    expect(letters(email)).toHaveLength(1);
    await page.goto(link(baseURL, asked, '/account/alerts/confirm'));
    await expect(page.locator('h1')).toHaveText(word('click.alert.title'));
    await picture('alerts-confirm');
    await press(page, word('click.alert.button'));
    await expect(page.getByRole('status')).toHaveText(word('alerts.done.kept'));
    await page.goto(link(baseURL, asked, '/account/alerts/confirm'));
    await press(page, word('click.alert.button'));
    await expect(page.getByRole('status'), 'a link counts once').toHaveText(word('rights.done.over'));

    operator('alerts', 'run');
    const sent = await letter(email, 2);
    expect(sent.headers['list-unsubscribe-post']).toBe('List-Unsubscribe=One-Click');
    const stop = sent.headers['list-unsubscribe'].slice(1, -1);
    expect(link(baseURL, sent, '/account/alerts/stop/')).toBe(stop);
    expect(stop.startsWith(`${baseURL}/account/alerts/stop/`)).toBe(true);
    // The same crossing is not told twice.
    operator('alerts', 'run');
    expect(letters(email)).toHaveLength(2);

    // By a person: the link asks, the button ends it. By a mail program: the POST of RFC 8058, without a cookie.
    await page.goto(stop);
    await expect(page.locator('h1')).toHaveText(word('click.stop.title'));
    await picture('alerts-stop');
    if (script && width < 1000) {
      await press(page, word('click.stop.button'));
      await expect(page.getByRole('status')).toHaveText(word('alerts.done.stopped'));
      await picture('alerts-stopped');
    } else {
      const program = await playwright.request.newContext();
      const answer = await program.post(stop, { form: { 'List-Unsubscribe': 'One-Click' }, maxRedirects: 0 });
      expect(answer.status()).toBe(200);
      await program.dispose();
    }

    // What is kept of the address now says so: no alert, and the consent as taken back.
    await page.goto(`/account/rights?lang=${spoken.code}`);
    await page.getByLabel(word('rights.email'), { exact: true }).fill(email);
    await press(page, word('rights.send'));
    await page.goto(link(baseURL, await letter(email, 3), '/account/rights/open'));
    await press(page, word('click.open.button'));
    await expect(page.locator('main')).toContainText(email);
    const kept = await page.locator('main ul').first().textContent();
    expect([kept.includes('(alert)'), kept.includes('(consent)')]).toEqual([false, true]);
    if (script) await emptyStores(page);
    await quiet(seen, page, ['visit']);
    await context.close();
  });
}

test('the policy of these pages holds in the browser, and the watch over it sees what breaks it', async ({ browser, baseURL }) => {
  const context = await someone(browser, baseURL, 390);
  const seen = watch(context, baseURL);
  const page = await context.newPage();
  for (const path of ['/account/alerts', '/account/rights', '/account']) {
    await page.goto(path);
    await quiet(seen, page, []);
    const broken = await page.evaluate(async () => {
      const violations = [];
      document.addEventListener('securitypolicyviolation', (e) => violations.push(e.effectiveDirective));
      const style = document.createElement('style');
      style.textContent = '* { color: red }';
      document.head.append(style);
      const image = document.createElement('img');
      const loaded = new Promise((done) => { image.onload = () => done('loaded'); image.onerror = () => done('refused'); });
      image.src = 'http://elsewhere.test/track.gif';
      document.body.append(image);
      let markup = 'taken';
      try { document.body.innerHTML = '<b>x</b>'; } catch { markup = 'refused'; }
      const asked = await fetch('/account').then(() => 'answered', () => 'refused');
      return [await loaded, markup, asked, [...new Set(violations)].sort()];
    });
    expect(broken).toEqual(['refused', 'refused', 'refused', ['connect-src', 'img-src', 'require-trusted-types-for', 'style-src-elem']]);
    expect(seen.faults.length, 'the watch sees it').toBeGreaterThan(2);
    expect(seen.elsewhere, 'the watch sees it').toEqual(['http://elsewhere.test/track.gif']);
    seen.faults.length = 0;
    seen.elsewhere.length = 0;
  }
  await context.close();
});
