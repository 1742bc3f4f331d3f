// What no log may hold, written down while it passes the browser: e2e/canaries.py looks for it in all that the country wrote.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.VIGIE_POST;
const seen = new WeakSet();
// What stands in an address or in a form, by its name there.
const FIELDS = { token: 'link', code: 'code', state: 'state', nonce: 'nonce', email: 'address', name: 'name' };

/** Writes down one value of a kind; without a folder for it nobody looks. */
export function plant(kind, value) {
  if (folder && value && value.length > 2) appendFileSync(join(folder, 'planted.jsonl'), `${JSON.stringify({ kind, value })}\n`);
}

function fields(pairs, recovery) {
  for (const [name, value] of pairs) {
    const kind = recovery && name === 'code' ? 'recovery' : FIELDS[name];
    // A short name may be a word that a log has of itself.
    if (kind && (kind !== 'name' || value.length > 7)) plant(kind, value);
  }
}

/** An authenticator's answer: which passkey, what it was to sign, what it signed. */
function passkey(text) {
  const { credential } = JSON.parse(text);
  if (!credential?.response) return;
  plant('credential', credential.rawId ?? credential.id);
  plant('challenge', JSON.parse(Buffer.from(credential.response.clientDataJSON, 'base64url')).challenge);
  plant('signature', credential.response.signature);
}

/** Writes down what passes through a browser from now on: cookies of ours, and what is in addresses and forms. */
export function plants(context) {
  if (!folder || seen.has(context)) return;
  seen.add(context);
  context.on('request', (request) => {
    const { pathname, searchParams } = new URL(request.url());
    fields(searchParams);
    const sent = request.method() === 'POST' && pathname.startsWith('/account/') ? request.postData() : null;
    if (!sent) return;
    if (sent.startsWith('{')) passkey(sent);
    else fields(new URLSearchParams(sent), pathname.endsWith('/recover'));
  });
  context.on('response', async (response) => {
    // A page that is closed meanwhile has no headers any more.
    for (const { name, value } of await response.headersArray().catch(() => [])) {
      const set = name.toLowerCase() === 'set-cookie' && value.match(/^__Host-vigie-(session|login|visit)=([^;]+);/);
      if (set) plant(set[1], set[2]);
    }
  });
}
