// The provider's own pages. Plain on purpose: nobody may take them for those of the provider that they stand in for.

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const page = (declared, title, main) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title></head>
<body><main><p><strong>A stand-in for ${escape(declared.name)} on this machine, for trying out. It is not ${escape(declared.name)}.</strong></p>
<h1>${escape(title)}</h1>${main}</main></body></html>`;

export const loginPage = (declared, uid, users, password, wrong = '') => page(declared, 'Log in', `
<p role="alert">${escape(wrong)}</p>
<form method="post" action="/login/${escape(uid)}">
<p><label>Name <input name="user" autocomplete="username" required></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button type="submit">Log in</button></p></form>
<form method="post" action="/login/${escape(uid)}"><button name="cancel" value="1">Cancel</button></form>
<p>Sample accounts: ${users.map(escape).join(', ')}; the password of each is <code>${escape(password)}</code>. bob proves who he is too weakly to be let in.</p>`);

export const logoutForm = (declared, form) => page(declared, 'Log out', `
${form}<p><button type="submit" form="op.logoutForm" name="logout" value="yes">Log out here too</button></p>`);

export const failed = (declared, { error, error_description: why }) => page(declared, 'This did not work', `
<p>${escape(error)}${why ? `: ${escape(why)}` : ''}</p>`);
