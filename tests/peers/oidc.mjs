// An authorization server with a resource under /api/v1 that takes its tokens.
//   node oidc.mjs '{"clients": [...], "keys": {"jwks of the trusted issuers of assertions"}}'
// Says its port on standard output. /admin is the tests' own door.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { Provider } from 'oidc-provider';

const { clients, keys } = JSON.parse(process.argv[2]);
const trusted = createLocalJWKSet(keys);
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TYPE = 'urn:ietf:params:oauth:token-type:';
const state = { ttl: 600, delay: 0, tokens: 0, errors: [], jtis: [], accepted: 0, refused: 0, subjects: [], revoke: false, revoked: [] };

const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const ttl = () => state.ttl;
const provider = new Provider(issuer, {
  clients,
  scopes: ['orders:write', 'orders:read'],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  ttl: { ClientCredentials: ttl },
});
provider.on('grant.error', (_ctx, error) => state.errors.push(`${error.error}: ${error.error_description} ${error.error_detail ?? ''}`));
provider.on('server_error', (_ctx, error) => state.errors.push(String(error.stack)));

const issue = async (client, subject) => {
  const token = new provider.ClientCredentials({ client, scope: 'orders:write' });
  state.subjects.push(subject);
  return { access_token: await token.save(), token_type: 'Bearer', expires_in: state.ttl };
};
const verify = (token, audience) => jwtVerify(token, trusted, { audience, requiredClaims: ['exp'] });

provider.registerGrantType(EXCHANGE, async (ctx) => {
  const { subject_token: subject, subject_token_type: type, requested_token_type: wanted, audience } = ctx.oidc.params;
  if (type !== `${TYPE}jwt`) ctx.throw(400, 'subject_token_type');
  const { payload } = await verify(subject, issuer);
  const answer = await issue(ctx.oidc.client, payload.sub);
  ctx.body = { ...answer, issued_token_type: audience === 'odd' ? `${TYPE}refresh_token` : wanted ?? `${TYPE}access_token` };
}, ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'scope'], []);

// RFC 7523 2.1 needs no client; the provider's token endpoint does
const seen = new Set();
const bearerGrant = async (form) => {
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') throw new Error('grant_type');
  const { payload } = await verify(form.get('assertion'), issuer);
  if (payload.exp - payload.iat > 300 || !payload.jti || seen.has(payload.jti)) throw new Error('exp or jti');
  seen.add(payload.jti);
  state.jtis.push(payload.jti);
  return issue(await provider.Client.find(payload.iss), payload.sub);
};

const say = (response, status, body, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};
server.on('request', async (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (pathname === '/admin') {
    Object.assign(state, JSON.parse((await text(request)) || '{}'));
    say(response, 200, state);
  } else if (pathname.startsWith('/api/v1/')) {
    const value = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const token = value && (await provider.ClientCredentials.find(value));
    if (token && state.revoke) {
      state.revoke = false;
      state.revoked.push(value);
    }
    if (token && !token.isExpired && !state.revoked.includes(value) && pathname !== '/api/v1/never') {
      state.accepted += 1;
      say(response, 200, { ok: true, scope: token.scope });
    } else {
      state.refused += 1;
      say(response, 401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer' });
    }
  } else {
    if (pathname.startsWith('/token')) {
      state.tokens += 1;
      await new Promise((done) => setTimeout(done, state.delay));
    }
    if (pathname === '/token/jwt-bearer') {
      try {
        say(response, 200, await bearerGrant(new URLSearchParams(await text(request))));
      } catch (error) {
        state.errors.push(String(error));
        say(response, 400, { error: 'invalid_grant', error_description: String(error) });
      }
    } else provider.callback()(request, response);
  }
});
console.log(server.address().port);
