// Login with each provider of the country, as a person does it: in, one's sessions, out, at a desk and on a phone.
// `vigie up` starts a real provider with sample accounts that stands in for each (services/identity/provider).
import { expect, test } from '@playwright/test';
import { language, login, said, someone, sound, texts } from './account.js';
import { profile } from './country.js';

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

      await expect(page).toHaveURL((url) => url.pathname === '/account');
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

      // What asks for a further login first leads to it.
      await page.goto('/account?done=anew');
      await expect(page.getByRole('status')).toContainText(said('done.anew'));
      const again = page.getByRole('status').getByRole('link', { name: said('login.with', { provider: provider.name }), exact: true });
      await expect(again).toHaveAttribute('href', new RegExp(`^/account/login/${provider.id}\\?.*anew=1`));
      if (picture) await sound(page, `account-anew-${provider.id}-${width}`);
      await page.goto('/account');

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

const chosen = profile.languages.at(-1);
if (chosen.code !== language.code) {
  test('what is done on a page is answered in the language that was chosen for it @noscript', async ({ browser, baseURL, javaScriptEnabled }) => {
    const word = texts(chosen);
    // A browser that prefers another one.
    const desk = await someone(browser, baseURL, 360, javaScriptEnabled);
    const page = await desk.newPage();
    const speaks = () => expect(page.locator('html')).toHaveAttribute('lang', chosen.tag);
    const press = async (key) => {
      await page.getByRole('button', { name: word(key), exact: true }).click();
      await speaks();
    };
    await login(page, profile.identity.providers[0], javaScriptEnabled === false ? 'carol' : 'alice', chosen);
    await expect(page.locator('h1')).toHaveText(word('account.title'));
    await page.getByRole('link', { name: word('account.rights'), exact: true }).click();
    // A run that was cut short leaves it on.
    if ((await page.getByRole('button', { name: word('rights.objection_off'), exact: true }).count()) > 0) await press('rights.objection_off');
    await press('rights.objection_on');
    await press('rights.objection_off');
    await expect(page.getByRole('status')).toHaveText(word('rights.done.lifted'));
    await page.getByRole('link', { name: word('account.title'), exact: true }).click();
    await page.getByRole('button', { name: word('account.logout'), exact: true }).click();
    await page.getByRole('button', { name: 'Log out here too' }).click();
    await expect(page.getByRole('status')).toHaveText(word('done.out'));
    await speaks();
    await desk.close();
  });
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
