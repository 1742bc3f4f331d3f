// What a country does not have is not there: no route, and no mention in a menu, a page, an OpenAPI or a sitemap.
import { expect, test } from '@playwright/test';
import { apps, disease, profile, templates } from './country.js';

/** The contract's table of paths: who serves what. */
const table = [
  { app: 'web', paths: ['/status', '/models', '/accessibility', '/legal', '/privacy', `/feeds/${disease.id}.atom`], localised: true },
  { app: 'web', paths: ['/.well-known/build.json', '/robots.txt', '/sitemap.xml'] },
  { app: 'dataviz', paths: ['/explore'], below: ['/embed/anything', '/explore/anything'], mention: ['/explore', '/embed'] },
  {
    app: 'data-api',
    paths: ['signals', 'places', 'sources', 'openapi.json', 'docs'].map((p) => `/api/data/v1/${p}`),
    below: ['/api/data/v1/why/nothing', '/api/data/v1/bulk/nothing', '/api/data', '/api/data/v1'],
    mention: ['/api/data'],
  },
  {
    app: 'forecast',
    paths: ['models', 'openapi.json'].map((p) => `/api/forecast/v1/${p}`),
    mention: ['/api/forecast'],
  },
  { app: 'identity', paths: ['/account'], below: ['/oidc/login', '/oidc/token'], mention: ['/account', '/oidc'] },
];

for (const { app, paths, below = [], mention = [], localised } of table) {
  const present = apps.includes(app);
  for (const path of paths) {
    test(`${path} of ${app} is ${present ? 'there' : 'absent'}`, async ({ request }) => {
      const prefixes = localised ? profile.languages.map((l) => l.prefix) : [''];
      for (const prefix of prefixes) {
        const answer = await request.get(`${prefix}${path}`);
        expect(answer.status(), `${prefix}${path}`).toBe(present ? 200 : 404);
      }
    });
  }
  if (present) continue;
  test(`nothing below the paths of ${app} answers`, async ({ request }) => {
    for (const path of below) {
      for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
        const answer = await request.fetch(path, { method, maxRedirects: 0 });
        expect([404, 405], `${method} ${path}`).toContain(answer.status());
      }
    }
  });
  test(`no page mentions ${app}`, async ({ request }) => {
    const read = ['/sitemap.xml', '/robots.txt'];
    for (const { prefix } of profile.languages) read.push(...templates.map(([, path]) => `${prefix}${path}`));
    if (apps.includes('forecast')) read.push('/api/forecast/v1/openapi.json');
    if (apps.includes('data-api')) read.push('/api/data/v1/openapi.json');
    for (const path of read) {
      const text = await (await request.get(path)).text();
      for (const word of mention) {
        expect(text.includes(`"${word}`) || text.includes(`${word}/`), `${path} mentions ${word}`).toBe(false);
      }
    }
  });
}

test('the style guide is for developers only', async ({ request }) => {
  for (const { prefix } of profile.languages) {
    expect((await request.get(`${prefix}/styleguide`)).status()).toBe(404);
  }
});

test('a security contact is the operator’s, or the file says that there is none yet', async ({ request }) => {
  const answer = await request.get('/.well-known/security.txt');
  expect(answer.status()).toBe(200);
  const named = profile.legal.security_contact !== 'unset';
  expect((await answer.text()).includes('has not named a security contact yet')).toBe(!named);
});

test('admin paths are not routed from outside', async ({ request }) => {
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    expect((await request.get(path)).status(), path).toBe(404);
  }
});

test('every page of the sitemap exists', async ({ request, baseURL }) => {
  test.setTimeout(180_000);
  const text = await (await request.get('/sitemap.xml')).text();
  const all = [...text.matchAll(/<loc>([^<]+)<\/loc>/g)].map((m) => new URL(m[1]).pathname);
  expect(all.length).toBeGreaterThan(20);
  // A fixed sample: every page would be a crawl.
  const some = all.filter((_, n) => n % Math.ceil(all.length / 60) === 0);
  for (const path of some) expect((await request.get(`${baseURL}${path}`)).status(), path).toBe(200);
});
