// A real OpenID Connect provider (oidc-provider) that stands in for each provider of a country, quirks included, with
// sample accounts that anybody may use. For `vigie up` and the tests, on the loopback interface only.
//
//   node provider.js '{"rp":"http://127.0.0.1:8080","providers":[...]}' FILE   `providers` as in the country's profile
//
// It writes to FILE (TOML) what an operator would be given when registering at each provider, then says `ready` on stdout.
// SIGHUP: every provider signs with a new key from then on.

import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { failed, loginPage, logoutForm } from './pages.js';

// What the library says is for people; stdout has one line.
console.log = console.error;
console.info = console.error;

const { rp, providers } = JSON.parse(process.argv[2]);
const secret = () => randomBytes(32).toString('base64url');
const PASSWORD = 'vigie';
// What each account proves, as an index into the provider's classes; none: less than any of them.
const ACCOUNTS = { alice: 0, carol: 0, dan: -1, erin: 0, bob: undefined };

const key = (kid) => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid,
});

/** Our client there, and what its operator is told. */
function register(declared, issuer) {
  const client = {
    client_id: `vigie-${declared.id}`,
    redirect_uris: [`${rp}/oidc/callback/${declared.id}`],
    post_logout_redirect_uris: [`${rp}/account/goodbye`],
    backchannel_logout_uri: `${rp}/oidc/backchannel/${declared.id}`,
    backchannel_logout_session_required: true,
    token_endpoint_auth_method: declared.client_auth,
  };
  const told = { issuer, client_id: client.client_id };
  if (declared.client_auth === 'private_key_jwt') {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    client.jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'vigie' }] };
    client.token_endpoint_auth_signing_alg = 'RS256';
    told.private_key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    told.key_id = 'vigie';
  } else {
    client.client_secret = told.client_secret = secret();
  }
  if (declared.userinfo === 'signed_jwt') client.userinfo_signed_response_alg = 'RS256';
  return { client, told };
}

/** The provider, with the keys that it has now. */
function make(declared, issuer, client, keys, cookies) {
  const provider = new Provider(issuer, {
    clients: [client],
    jwks: { keys },
    cookies: { keys: [cookies] },
    pkce: { required: () => !refuses(declared, 'pkce') },
    scopes: ['openid', ...declared.scopes],
    acrValues: declared.acr_values,
    conformIdTokenClaims: false,
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'] },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      jwtUserinfo: { enabled: true },
      userinfo: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: (ctx, form) => { ctx.type = 'html'; ctx.body = logoutForm(declared, form); } },
    },
    findAccount: async (ctx, sub) => (sub in ACCOUNTS ? { accountId: sub, claims: async () => ({ sub }) } : undefined),
    // No consent screen: nothing but the identifier is asked for.
    async loadExistingGrant(ctx) {
      const { client: { clientId }, session: { accountId }, params } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({ clientId, accountId });
      grant.addOIDCScope(params.scope ?? '');
      grant.addOIDCClaims(['acr', 'amr', 'auth_time']);
      await grant.save();
      return grant;
    },
    interactions: { url: (ctx, interaction) => `/login/${interaction.uid}` },
    renderError: (ctx, out) => { ctx.type = 'html'; ctx.body = failed(declared, out); },
    // It refuses to call private addresses, as it should; the one client that it serves is at one.
    fetch: (url, options) => {
      if (new URL(url).origin === rp) delete options.dispatcher;
      return fetch(url, options);
    },
  });
  provider.on('backchannel.success', (ctx, c, account, sid) => console.error(`told of the end of ${sid}`));
  provider.on('backchannel.error', (ctx, error) => console.error(`nobody was told: ${error.message}`));
  provider.use((ctx, next) => quirks(declared, ctx, next));
  return provider;
}

const refuses = (declared, parameter) => (declared.refuses ?? []).includes(parameter);

/** What a login address takes that keeps a list: whatever else is there is an error. */
const taken = (declared) => [
  'client_id', 'response_type', 'redirect_uri', 'scope', 'state', 'nonce', 'acr_values', 'claims', 'prompt',
  ...(refuses(declared, 'pkce') ? [] : ['code_challenge', 'code_challenge_method']),
  ...(refuses(declared, 'ui_locales') ? [] : ['ui_locales']),
];

/** What this kind of provider insists on. */
async function quirks(declared, ctx, next) {
  const { query, path } = ctx;
  const hint = 'id_token_hint' in query;
  if (path === '/session/end' && ctx.method === 'GET' && hint !== (declared.logout === 'id_token_hint')) {
    ctx.throw(400, hint ? 'an id_token_hint is not taken here' : 'an id_token_hint is needed here');
  }
  if (path === '/auth' && (String(query.state ?? '').length < 22 || String(query.nonce ?? '').length < 22)) {
    ctx.throw(400, 'state and nonce need 22 characters');
  }
  const more = path === '/auth' && declared.refuses?.length ? Object.keys(query).filter((name) => !taken(declared).includes(name)) : [];
  if (more.length) ctx.throw(400, `not taken here: ${more.join(', ')}`);
  await next();
}

async function body(req) {
  let text = '';
  for await (const chunk of req) text += chunk;
  return new URLSearchParams(text);
}

/** The login page of one provider. */
async function login(provider, declared, req, res) {
  const details = await provider.interactionDetails(req, res);
  res.setHeader('content-type', 'text/html; charset=utf-8');
  if (req.method !== 'POST') return res.end(loginPage(declared, details.uid, Object.keys(ACCOUNTS), PASSWORD));
  const form = await body(req);
  if (form.get('cancel')) return provider.interactionFinished(req, res, { error: 'access_denied' });
  const user = form.get('user');
  if (!Object.hasOwn(ACCOUNTS, user) || form.get('password') !== PASSWORD) {
    res.statusCode = 401;
    return res.end(loginPage(declared, details.uid, Object.keys(ACCOUNTS), PASSWORD, 'Wrong name or password.'));
  }
  const acr = ACCOUNTS[user] === undefined ? 'urn:example:weak' : declared.acr_values.at(ACCOUNTS[user]);
  return provider.interactionFinished(req, res, { login: { accountId: user, acr, amr: ['pwd'], remember: false } });
}

async function start(declared, told) {
  let provider;
  const server = createServer((req, res) => {
    const done = req.url.startsWith('/login/') ? login(provider, declared, req, res) : provider.callback()(req, res);
    Promise.resolve(done).catch((error) => { res.statusCode = 400; res.end(failed(declared, { error: error.message })); });
  });
  await new Promise((ready) => { server.listen(0, '127.0.0.1', ready); });
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { client, told: mine } = register(declared, issuer);
  const cookies = secret();
  let generation = 0;
  const renew = () => { provider = make(declared, issuer, client, [key(`key-${generation++}`)], cookies); };
  renew();
  process.on('SIGHUP', () => { renew(); console.error(`${declared.id} has a new key`); });
  told[declared.id] = mine;
}

const told = {};
for (const declared of providers) await start(declared, told);
// A string of JSON is one of TOML.
const table = ([id, values]) => `[${id}]\n${Object.entries(values).map(([k, v]) => `${k} = ${JSON.stringify(v)}\n`).join('')}`;
const file = process.argv[3];
writeFileSync(`${file}.new`, Object.entries(told).map(table).join('\n'), { mode: 0o600 });
renameSync(`${file}.new`, file);
process.stdout.write('ready\n');
