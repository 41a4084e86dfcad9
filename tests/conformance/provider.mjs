// The certified OpenID provider `oidc-provider`, with Entra's addresses and claims: node provider.mjs [PORT]
//
// It shows no pages: whoever comes to sign in is Adele at once. One line of JSON says where it listens and who is who.

import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import Provider, { interactionPolicy } from 'oidc-provider';

const tenant = '3d2b7f0a-6c1e-4f6e-9a55-1c2f0e9b8a01';
const adele = '693acd06-2877-4339-8ade-b704261fe7a0';
const client = {
  client_id: randomUUID(),
  client_secret: randomBytes(32).toString('base64url'),
  redirect_uris: ['https://tenantry.example/auth/callback'],
  token_endpoint_auth_method: 'client_secret_post',
};

const server = createServer();
await new Promise((listening) => server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', listening));
const origin = `http://127.0.0.1:${server.address().port}`;
const home = `/${tenant}/v2.0`;
const metadata = '/.well-known/openid-configuration';

const policy = interactionPolicy.base();
policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(`${origin}${home}`, {
  clients: [client],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' }] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  // Entra's claims come in the id token, whatever else is asked for.
  conformIdTokenClaims: false,
  claims: { openid: ['sub', 'tid', 'oid', 'ver', 'nbf'], profile: ['name', 'preferred_username'] },
  // Seconds.
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 3600, Interaction: 600, Session: 600 },
  features: { devInteractions: { enabled: false } },
  interactions: { policy, url: (_, interaction) => `${home}/interaction/${interaction.uid}` },
  findAccount: (_, accountId) => ({
    accountId,
    claims: () => ({
      sub: accountId,
      tid: tenant,
      oid: accountId,
      ver: '2.0',
      nbf: Math.floor(Date.now() / 1000),
      name: 'Adele Vance',
      preferred_username: 'adele@contoso.example',
    }),
  }),
});

// Adele signs in and agrees.
async function interact(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: adele, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const answer = { login: { accountId: adele }, consent: { grantId: await grant.save() }, select_account: {} };
  await provider.interactionFinished(request, response, answer);
}

// Entra's document for all organizations differs in its issuer, which is a template.
async function organizations(response) {
  const document = await (await fetch(`${origin}${home}${metadata}`)).json();
  const body = JSON.stringify({ ...document, issuer: `${origin}/{tenantid}/v2.0` });
  response.writeHead(200, { 'content-type': 'application/json' }).end(body);
}

const standard = provider.callback();

server.on('request', async (request, response) => {
  try {
    if (request.url === `/organizations/v2.0${metadata}`) return await organizations(response);
    if (request.url.startsWith(`${home}/interaction/`)) return await interact(request, response);
    if (!request.url.startsWith(`${home}/`)) return response.writeHead(404).end();
    // As a router that mounts it would: the provider tells its own addresses from the two.
    request.originalUrl = request.url;
    request.url = request.url.slice(home.length);
    return await standard(request, response);
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});

const { client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] } = client;
console.log(JSON.stringify({ origin, tenant, account: adele, clientId, clientSecret, redirectUri }));
