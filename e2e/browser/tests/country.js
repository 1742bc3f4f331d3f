// What the repository says of the country under test.
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
export const code = process.env.VIGIE_COUNTRY ?? 'fr';
export const profile = parse(readFileSync(join(root, 'clusters', code, 'profile/profile.toml'), 'utf8'));
export const apps = readdirSync(join(root, 'clusters', code, 'apps')).filter((name) =>
  existsSync(join(root, 'clusters', code, 'apps', name, 'kustomization.yaml')),
);
export const screenshots = join(root, 'target/reports/screenshots', code);

const locales = {};

/** A text of the pages in a language: the locale file is the one source of words. */
export function words(language, key, values = {}) {
  locales[language.code] ??= parse(
    readFileSync(join(root, 'services/web/locales', `${language.code}.toml`), 'utf8'),
  );
  const text = key.split('.').reduce((table, part) => table?.[part], locales[language.code]);
  if (typeof text !== 'string') throw new Error(`${language.code} has no text ${key}`);
  return text.replace(/%\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

/** A text of `kit`, which every service shares. */
export function shared(language, key) {
  const file = parse(readFileSync(join(root, 'crates/kit/locales', `${language.code}.toml`), 'utf8'));
  return key.split('.').reduce((table, part) => table[part], file);
}

export const main = profile.signals.find((s) => s.id === profile.main_signal);
export const disease = profile.diseases.find((d) => d.id === main.disease);

/** One path for each template, without the language's prefix; `why` is found on a page. */
export const templates = [
  ['home', '/'],
  ['disease', `/${disease.id}`],
  ['place', `/${disease.id}/${profile.nation}`],
  ['ended', `/mpox/${profile.nation}`],
  ['status', '/status'],
  ['models', '/models'],
  ['model', '/models/vigie-rt'],
  ['accessibility', '/accessibility'],
  ['legal', '/legal'],
  ['privacy', '/privacy'],
  ['not-found', '/not/a/page/of/ours'],
];
