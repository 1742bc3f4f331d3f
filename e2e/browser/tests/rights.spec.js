// The rights of a person, by their own hand: with an account, and without one by a link to an address.
import { expect, test } from '@playwright/test';
import { login, someone, sound, texts } from './account.js';
import { main, profile } from './country.js';
import { address, download, emptyStores, genuine, letter, letters, link, post, quiet, sha256, watch } from './person.js';
import { plant } from './plants.js';

test.describe.configure({ mode: 'serial' });
test.skip(!post, 'no mail server was started for this');

const [provider] = profile.identity.providers;
const [first] = profile.languages;
// Each language on a phone, the first at a desk; without JavaScript where there is but one language, which is enough.
const plain = profile.languages.length === 1 ? [[first, 390, false]] : [];
const looks = [...profile.languages.map((l) => [l, 390, true]), [first, 1440, true], ...plain];

/** A person with a browser: the words of their language, pictures where scripts run. */
async function person(browser, baseURL, [spoken, width, script]) {
  const context = await someone(browser, baseURL, width, script, spoken);
  const word = texts(spoken);
  const page = await context.newPage();
  return {
    context, word, page, spoken,
    seen: watch(context, baseURL),
    picture: (name) => (script ? sound(page, `${name}-${spoken.code}-${width}`) : null),
    press: (key) => page.getByRole('button', { name: word(key), exact: true }).click(),
    says: (key) => expect(page.getByRole('status')).toHaveText(word(key)),
    kept: async () => [...(await page.locator('main ul').first().textContent()).matchAll(/\((\w+)\): (\d+)/g)].map(([, table]) => table),
  };
}

/** Chooses an alert and confirms it. */
async function alert({ page, word, press, says, spoken }, baseURL, email, n) {
  await page.goto(`/account/alerts?lang=${spoken.code}`);
  await page.getByLabel(word('alerts.signal'), { exact: true }).selectOption(main.id);
  await page.getByLabel(word('alerts.threshold'), { exact: true }).fill('123456789');
  await page.getByLabel(word('rights.email'), { exact: true }).fill(email);
  await press('alerts.send');
  await says('alerts.done.sent');
  await page.goto(link(baseURL, await letter(email, n), '/account/alerts/confirm'));
  await press('click.alert.button');
  await says('alerts.done.kept');
}

/** Both files, each proved by its receipt; gives the rows of the JSON. */
async function takesAlong({ page, context }) {
  const [name, json] = await download(page, page.getByRole('button', { name: 'JSON', exact: true }));
  expect(name).toBe('vigie.json');
  const whole = JSON.parse(json);
  const { kind, detail } = await genuine(context.request, whole.receipt);
  expect([kind, detail.format]).toEqual(['access', 'json']);
  expect(detail.rows).toBe(Object.values(whole.rows).flat().length);
  // The rows stand last, and their hash is that of how they are written.
  const text = json.toString();
  expect(sha256(text.slice(text.indexOf('"rows":') + 7, -1))).toBe(detail.sha256);
  const told = page.waitForResponse((r) => r.url().endsWith('/account/rights/export'));
  const [csvName, csv] = await download(page, page.getByRole('button', { name: 'CSV', exact: true }));
  expect(csvName).toBe('vigie.csv');
  const receipt = await genuine(context.request, (await told).headers()['vigie-receipt']);
  expect([receipt.detail.format, receipt.detail.sha256]).toEqual(['csv', sha256(csv)]);
  expect(csv.toString().split('\n')[0].trim()).toBe('table,row,column,value');
  return [whole.rows, csv.toString()];
}

/** Asks for it without the box, with it, and keeps the receipt. */
async function erases({ page, context, word, press, picture }, name) {
  await press('rights.erase');
  await expect(page.locator('h1'), 'the box is wanted').toHaveText(word('rights.title'));
  await page.getByLabel(word('rights.sure'), { exact: true }).check();
  await press('rights.erase');
  await expect(page.locator('h1')).toHaveText(word('erased.title'));
  await picture(name);
  const receipt = await genuine(context.request, await page.getByLabel(word('erased.receipt'), { exact: true }).inputValue());
  expect(receipt.kind).toBe('erasure');
  return receipt;
}

for (const look of looks) {
  const title = `${look[0].tag} at ${look[1]} px${look[2] ? '' : ' without JavaScript'}`;

  test(`${title}: by an account: seen, taken along, corrected, halted, taken back, erased`, async ({ browser, baseURL }) => {
    test.skip(process.env.VIGIE_LOGIN === '0', 'nobody can log in here: the development provider did not start');
    const who = await person(browser, baseURL, look);
    const { page, word, press, says, picture, context, spoken } = who;
    const email = address();
    await login(page, provider, 'dan', spoken);
    await expect(page.locator('h1')).toHaveText(word('account.title'));
    // A run that was cut short leaves an address, and its language.
    await page.goto(`/account/rights?lang=${spoken.code}`);
    if ((await who.kept()).includes('contact')) {
      await page.getByLabel(word('rights.sure'), { exact: true }).check();
      await press('rights.erase');
      await page.goto(`/account?lang=${spoken.code}`);
      await page.getByRole('link', { name: word('login.with', { provider: provider.name }), exact: true }).click();
    }
    await page.goto('/account');
    const number = await page.locator('.facts .code').textContent();
    plant('account', number);
    await page.goto('/account/rights');
    await expect(page.locator('h1')).toHaveText(word('rights.title'));
    expect(await who.kept()).toEqual(expect.arrayContaining(['account', 'session']));
    await picture('rights-account');

    // Rectification: an address counts once it is proved in this browser.
    await page.getByLabel(word('rights.new_email'), { exact: true }).fill(email);
    await press('rights.send');
    await says('rights.done.address_sent');
    const proof = await letter(email);
    expect(proof.headers.subject).toBe(word('mail.address.subject'));
    await page.goto(link(baseURL, proof, '/account/rights/address'));
    await press('click.address.button');
    await says('rights.done.address');
    await expect(page.locator('main')).toContainText(email);
    await alert(who, baseURL, email, 2);
    await page.goto('/account/rights');
    expect(await who.kept()).toEqual(expect.arrayContaining(['account', 'session', 'contact', 'alert', 'consent', 'request']));

    const [rows, csv] = await takesAlong(who);
    expect(rows.account.map((a) => a.id)).toEqual([number]);
    expect(rows.contact.map((c) => [c.email, c.language])).toEqual([[email, spoken.code]]);
    expect(rows.alert.map((a) => [a.signal, a.place, a.threshold])).toEqual([[main.id, profile.nation, 123456789]]);
    for (const value of [number, email, main.id]) expect(csv).toContain(value);

    const other = profile.languages.find((l) => l.code !== spoken.code);
    if (other) {
      await page.getByLabel(word('rights.language'), { exact: true }).selectOption(other.code);
      await press('rights.save');
      await expect(page.getByRole('status')).toHaveText(texts(other)('rights.done.language'));
      await page.getByLabel(texts(other)('rights.language'), { exact: true }).selectOption(spoken.code);
      await page.getByRole('button', { name: texts(other)('rights.save'), exact: true }).click();
      await says('rights.done.language');
    }
    for (const right of ['restriction', 'objection']) {
      await press(`rights.${right}_on`);
      await says(`rights.done.${right}`);
      await expect(page.getByRole('note')).toHaveText(word(`rights.is_${right === 'restriction' ? 'restricted' : 'objecting'}`));
      await press(`rights.${right}_off`);
      await says('rights.done.lifted');
    }
    await press('rights.withdraw');
    await says('rights.done.withdrawn');
    expect(await who.kept()).not.toContain('alert');
    await press('rights.ask_people');
    await says('rights.done.question');
    await picture('rights-requests');
    const question = page.locator('tbody tr').filter({ hasText: word('rights.kind.question') });
    await expect(question).toContainText(word('rights.until', { time: '…' }).split('…')[0].trim());
    await expect(question.getByRole('link')).toHaveCount(0);
    const withdrawal = page.locator('tbody tr').filter({ hasText: word('rights.kind.withdrawal') });
    const [, receipt] = await download(page, withdrawal.getByRole('link'));
    expect(await genuine(context.request, receipt.toString())).toMatchObject({ kind: 'withdrawal', detail: { ended: 1 } });

    await erases(who, 'rights-erased');
    expect((await context.cookies(baseURL)).filter((c) => c.name.includes('vigie-session'))).toEqual([]);
    await page.goto('/account');
    await expect(page.locator('h1'), 'the session is over').toHaveText(word('login.title'));
    // Whoever comes back, the provider still knowing them, is somebody new.
    await page.getByRole('link', { name: word('login.with', { provider: provider.name }), exact: true }).click();
    await expect(page.locator('h1')).toHaveText(word('account.title'));
    expect(await page.locator('.facts .code').textContent()).not.toBe(number);
    await page.goto(`/account/rights?lang=${spoken.code}`);
    expect(await who.kept()).not.toContain('contact');
    await erases(who, 'rights-erased-again');
    if (look[2]) await emptyStores(page);
    await quiet(who.seen, page, ['session', 'login', 'visit']);
    await context.close();
  });

  test(`${title}: without an account: proved by a letter, seen, taken along, erased`, async ({ browser, baseURL }) => {
    const who = await person(browser, baseURL, look);
    const { page, word, press, says, picture, context, spoken } = who;
    const email = address();
    await alert(who, baseURL, email, 1);
    const asks = async () => {
      await page.goto(`/account/rights?lang=${spoken.code}`);
      await page.getByLabel(word('rights.email'), { exact: true }).fill(email);
      await press('rights.send');
      await says('rights.done.sent');
    };
    await page.goto(`/account/rights?lang=${spoken.code}`);
    await picture('rights');
    await asks();
    const opens = link(baseURL, await letter(email, 2), '/account/rights/open');
    // Looking at the link, as programs do, does not use it up.
    expect((await context.request.get(opens)).status()).toBe(200);
    await page.goto(opens);
    await picture('rights-open');
    await press('click.open.button');
    await expect(page.locator('main')).toContainText(email);
    expect(await who.kept()).toEqual(expect.arrayContaining(['contact', 'alert', 'consent', 'proof']));
    await picture('rights-address');

    // In another browser the same link opens nothing.
    const elsewhere = await person(browser, baseURL, look);
    await elsewhere.page.goto(opens);
    await elsewhere.press('click.open.button');
    await elsewhere.says('rights.done.over');
    await elsewhere.context.close();

    const [rows] = await takesAlong(who);
    expect([rows.account, rows.session, rows.contact.map((c) => c.email)]).toEqual([[], [], [email]]);
    await erases(who, 'rights-erased-address');
    await page.goto(`/account/rights?lang=${spoken.code}`);
    await expect(page.getByRole('button', { name: word('rights.send'), exact: true })).toBeVisible();
    await asks();
    await page.goto(link(baseURL, await letter(email, 3), '/account/rights/open'));
    await press('click.open.button');
    await expect(page.locator('main')).toContainText(word('rights.nothing_kept'));
    await expect(page.getByRole('button', { name: word('rights.erase'), exact: true })).toHaveCount(0);
    await press('rights.leave');
    await says('rights.done.left');
    expect(letters(email)).toHaveLength(3);
    expect(await context.cookies(baseURL)).toEqual([]);
    if (look[2]) await emptyStores(page);
    await quiet(who.seen, page, ['visit']);
    await context.close();
  });
}
