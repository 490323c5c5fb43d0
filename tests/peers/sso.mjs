// A company's identity provider (oidc-provider) and a supplier platform that relies on it.
//   node sso.mjs '{"users": ["alice", ...]}'
// Says both ports on standard output: the provider's, the platform's. /admin of the platform is the
// tests' own door.
//   /login     initiate_login_uri (OpenID Connect Core 4), then code flow with PKCE; /callback
//   /token     of its own authorization server: RFC 7523 and RFC 8693, for users it knows
//   /api/v1/launch  with such a token: a one-time URL, /launch/<code>
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from 'jose';
import { Provider } from 'oidc-provider';

const { users } = JSON.parse(process.argv[2]);
const listen = async () => {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return [server, server.address().port];
};
const [idp, idpPort] = await listen();
const [platform, platformPort] = await listen();
const issuer = `http://127.0.0.1:${idpPort}`;
const home = `http://localhost:${platformPort}`; // another site than the provider's
const client = { client_id: 'platform', client_secret: 'x'.repeat(32), redirect_uris: [`${home}/callback`] };
const state = { codeTtl: 60, slow: 0, audience: client.client_id, launchTtl: 60000, keys: { keys: [] }, users, tokenDelay: 0,
  errors: [], signedIn: [], assertions: [], launches: 0, foreign: '' };
const random = () => randomBytes(32).toString('base64url');
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// -- the identity provider: a login form, consent given for good
const provider = new Provider(issuer, {
  clients: [client],
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, sub) => (users.includes(sub) ? { accountId: sub, claims: () => ({ sub }) } : undefined),
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid');
    await grant.save();
    return grant;
  },
  ttl: { AuthorizationCode: () => state.codeTtl },
  cookies: { keys: [random()] },
});
provider.on('grant.error', (_ctx, error) => state.errors.push(`${error.error}: ${error.error_detail ?? error.error_description}`));
idp.on('request', async (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (!pathname.startsWith('/interaction/')) return provider.callback()(request, response);
  const details = await provider.interactionDetails(request, response);
  if (request.method === 'POST') {
    const name = new URLSearchParams(await text(request)).get('name');
    return provider.interactionFinished(request, response, { login: { accountId: name } }, { mergeWithLastSubmission: false });
  }
  const hint = String(details.params.login_hint ?? '').replace(/[^a-z]/g, '');
  response.setHeader('content-type', 'text/html');
  return response.end(`<title>Company login</title><form method=post><input name=name id=name value="${hint}"><button id=go>Go</button></form>`);
});

// -- the platform
const logins = new Map();
const sessions = new Map();
const launches = new Map();
const tokens = new Map();
const seen = new Set();
const own = `${home}/as`;
const enter = (response, user, way) => {
  const session = random();
  sessions.set(session, user);
  state.signedIn.push([user, way]);
  response.setHeader('set-cookie', `srm=${session}; HttpOnly; Path=/; SameSite=Lax`);
};
const page = (response, status, title, body = '') => {
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end(`<title>${title}</title><h1 id=said>${title}</h1>${body}`);
};
const say = (response, status, body) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};
const pass = (response, to) => { response.writeHead(303, { location: to }); response.end(); };

const begin = (url, response) => {
  const [iss, hint, target] = ['iss', 'login_hint', 'target_link_uri'].map((name) => url.searchParams.get(name));
  if (iss !== issuer) return page(response, 400, 'Unknown issuer');
  if (target && new URL(target).origin !== home) return page(response, 400, 'Foreign target');
  const login = { hint, target: target ?? `${home}/app`, verifier: random(), nonce: random() };
  const key = random();
  logins.set(key, login);
  const challenge = createHash('sha256').update(login.verifier).digest('base64url');
  return pass(response, `${issuer}/auth?${new URLSearchParams({ client_id: client.client_id, response_type: 'code', scope: 'openid',
    redirect_uri: client.redirect_uris[0], state: key, nonce: login.nonce, login_hint: hint ?? '', code_challenge: challenge, code_challenge_method: 'S256' })}`);
};
const callback = async (url, response) => {
  const login = logins.get(url.searchParams.get('state'));
  logins.delete(url.searchParams.get('state'));
  if (!login) return page(response, 403, 'Refused: this login was used already');
  await pause(state.slow);
  const answer = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'authorization_code',
    code: url.searchParams.get('code'), redirect_uri: client.redirect_uris[0], code_verifier: login.verifier }),
  headers: { authorization: `Basic ${Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64')}` } });
  const { id_token: token, error } = await answer.json();
  if (error) return page(response, 403, `Refused: ${error}`);
  try {
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(`${issuer}/jwks`)), { issuer, audience: state.audience });
    if (payload.nonce !== login.nonce) throw new Error('nonce');
    if (payload.sub !== login.hint) return page(response, 403, 'Refused: you are somebody else');
    enter(response, payload.sub, 'oidc');
  } catch (problem) {
    return page(response, 403, `Refused: ${problem.code ?? problem.message} ${problem.claim ?? ''}`);
  }
  return pass(response, login.target);
};
const vouched = async (assertion, audience, use) => {
  const { payload } = await jwtVerify(assertion, createLocalJWKSet(state.keys), { audience, issuer: 'erp', requiredClaims: ['exp', 'jti'], maxTokenAge: '2 minutes' });
  if (seen.has(payload.jti)) throw new Error('the assertion was used already');
  seen.add(payload.jti);
  state.assertions.push([use, assertion]);
  return payload.sub;
};
const grant = async (form, response) => {
  await pause(state.tokenDelay);
  const urn = 'urn:ietf:params:oauth:';
  try {
    let user;
    if (form.get('grant_type') === `${urn}grant-type:jwt-bearer`) user = await vouched(form.get('assertion'), own, 'assertion');
    else {
      if (form.get('grant_type') !== `${urn}grant-type:token-exchange`) throw new Error('grant_type');
      if ((await vouched(form.get('client_assertion'), own, 'client')) !== 'erp') throw new Error('client');
      user = await vouched(form.get('subject_token'), own, 'subject');
    }
    if (!state.users.includes(user)) throw new Error(`no user ${user}`);
    const token = random();
    tokens.set(token, user);
    return say(response, 200, { access_token: token, token_type: 'Bearer', expires_in: 30, issued_token_type: `${urn}token-type:access_token` });
  } catch (problem) {
    state.errors.push(String(problem.message));
    return say(response, 400, { error: 'invalid_grant', error_description: String(problem.message) });
  }
};
platform.on('request', async (request, response) => {
  const url = new URL(request.url, home);
  const cookie = /srm=([\w-]+)/.exec(request.headers.cookie ?? '');
  const user = cookie && sessions.get(cookie[1]);
  if (url.pathname === '/admin') {
    Object.assign(state, JSON.parse((await text(request)) || '{}'));
    return say(response, 200, state);
  }
  if (url.pathname === '/login') return begin(url, response);
  if (url.pathname === '/callback') return callback(url, response);
  if (url.pathname === '/as/token') return grant(new URLSearchParams(await text(request)), response);
  if (url.pathname === '/api/v1/launch') {
    const value = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const about = tokens.get(value);
    tokens.delete(value); // good for one call
    const asked = JSON.parse(await text(request));
    if (!about) return say(response, 401, { error: 'invalid_token' });
    if (asked.user !== about) return say(response, 403, { error: 'another user' });
    const code = random();
    launches.set(code, { user: about, target: asked.target ?? `${home}/app`, until: Date.now() + state.launchTtl });
    state.launches += 1;
    return say(response, 201, { url: `${state.foreign || home}/launch/${code}`, expires_in: 60 });
  }
  if (url.pathname.startsWith('/launch/')) {
    const code = url.pathname.slice(8);
    const launch = launches.get(code);
    launches.delete(code);
    if (!launch) return page(response, 410, 'Refused: this link was used already');
    if (Date.now() > launch.until) return page(response, 410, 'Refused: this link has expired');
    enter(response, launch.user, 'launch');
    return pass(response, launch.target);
  }
  return page(response, user ? 200 : 401, user ? `Signed in as ${user}` : 'Nobody is signed in', `<p id=path>${url.pathname}</p>`);
});
console.log(idpPort, platformPort);
