// What a service does with the published oauth4webapi: node oauth2.mjs '{"issuer", "clientId", "secret", "way", "username", "password"}'

import * as oauth from 'oauth4webapi';

const { issuer, clientId, secret, way, username, password } = JSON.parse(process.argv[2]);
const options = { [oauth.allowInsecureRequests]: true };
const ways = { basic: () => oauth.ClientSecretBasic(secret), post: () => oauth.ClientSecretPost(secret), none: () => oauth.None() };
const client = { client_id: clientId };
const proof = ways[way]();

const server = await oauth.processDiscoveryResponse(
  new URL(issuer),
  await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...options }),
);

async function logIn(parameters) {
  const answer = await oauth.genericTokenEndpointRequest(server, client, proof, 'password', parameters, options);
  return oauth.processGenericTokenEndpointResponse(server, client, answer);
}

async function refresh(token, as = proof) {
  const answer = await oauth.refreshTokenGrantRequest(server, client, as, token, options);
  return oauth.processRefreshTokenResponse(server, client, answer);
}

async function introspect(token) {
  const answer = await oauth.introspectionRequest(server, client, proof, token, options);
  return oauth.processIntrospectionResponse(server, client, answer);
}

async function revoke(token) {
  const answer = await oauth.revocationRequest(server, client, proof, token, options);
  return oauth.processRevocationResponse(answer);
}

/** The kind of error that the package made of an answer, and what it read in it. */
async function refused(promise) {
  const error = await promise.then(() => null, (thrown) => thrown);
  const schemes = error.cause instanceof Array ? error.cause.map(({ scheme }) => scheme) : undefined;
  return { kind: error.constructor.name, status: error.status, error: error.error, schemes };
}

const first = await logIn({ username, password });
const second = await refresh(first.refresh_token);
const looks = way !== 'none';
const live = looks ? [await introspect(second.access_token), await introspect(second.refresh_token)] : [];
await revoke(second.refresh_token);
const dead = looks ? [await introspect(second.access_token), await introspect(second.refresh_token)] : [];

console.log(
  JSON.stringify({
    server,
    first,
    second,
    live,
    dead,
    revoked: await refused(refresh(second.refresh_token)),
    wrongPassword: await refused(logIn({ username, password: 'wrong' })),
    wrongSecret: await refused(refresh(first.refresh_token, oauth.ClientSecretBasic('wrong'))),
  }),
);
