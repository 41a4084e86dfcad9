// Microsoft's own clients against a running simulator, with jose as the judge of id tokens: MSAL
// itself leaves their signatures alone. Configuration comes as one JSON argument.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ConfidentialClientApplication, CryptoProvider } from "@azure/msal-node";
import { Client, PageIterator } from "@microsoft/microsoft-graph-client";
import { createRemoteJWKSet, jwtVerify } from "jose";

const { url, tenant, clientId, secret, redirectUri, account } = JSON.parse(process.argv[2]);
const host = new URL(url).host;
const scopes = ["https://graph.microsoft.com/.default"];

const application = (authority, clientSecret = secret) =>
  new ConfidentialClientApplication({
    auth: { clientId, clientSecret, authority: `${url}${authority}`, knownAuthorities: [host] },
  });

async function appOnlyToken() {
  const result = await application(tenant).acquireTokenByClientCredential({ scopes });
  assert.ok(result.accessToken);
  await assert.rejects(
    application(tenant, "wrong").acquireTokenByClientCredential({ scopes }),
    (error) => error.errorCode === "invalid_client" && /AADSTS7000215/.test(error.errorMessage),
  );
  return result.accessToken;
}

async function signIn() {
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const nonce = randomUUID();
  const app = application("organizations");
  const authorize = await app.getAuthCodeUrl({
    scopes: ["openid", "profile"], redirectUri, nonce, state: "s", codeChallenge: challenge, codeChallengeMethod: "S256",
  });
  assert.ok(authorize.startsWith(`${url}organizations/oauth2/v2.0/authorize`), authorize);
  const picked = await fetch(authorize, { method: "POST", body: new URLSearchParams({ account }), redirect: "manual" });
  let code;
  if (picked.status === 302) {
    code = new URL(picked.headers.get("location")).searchParams.get("code");
  } else {
    // MSAL asks for form_post by default on some versions: the code stands in the page.
    code = /name="code" value="([^"]+)"/.exec(await picked.text())[1];
  }
  const request = { code, nonce, scopes: ["openid", "profile"], redirectUri, codeVerifier: verifier };
  const result = await app.acquireTokenByCode(request);
  assert.equal(result.account.tenantId, tenant);
  const keys = createRemoteJWKSet(new URL(`${url}common/discovery/v2.0/keys`));
  const { payload } = await jwtVerify(result.idToken, keys, {
    issuer: `${url}${tenant}/v2.0`, audience: clientId, algorithms: ["RS256"],
  });
  assert.equal(payload.oid, account);
  assert.equal(payload.nonce, nonce);
  await assert.rejects(jwtVerify(result.idToken, keys, { issuer: `${url}${randomUUID()}/v2.0` }));
}

async function graph(accessToken) {
  const client = Client.init({
    baseUrl: url, customHosts: new Set([new URL(url).hostname]), authProvider: (done) => done(null, accessToken),
  });
  const users = await client.api("/users").select(["id", "department"]).top(50).get();
  const seen = [];
  const iterator = new PageIterator(client, users, (user) => seen.push(user.id) > 0);
  await iterator.iterate();
  assert.equal(new Set(seen).size, 130);

  const round = await client.api("/users/delta").select("displayName").get();
  assert.equal(round.value.length, 130);
  assert.ok(round["@odata.deltaLink"]);
  const later = await client.api(round["@odata.deltaLink"]).get();
  assert.deepEqual(later.value, []);

  const { responses } = await client.api("/$batch").post({
    requests: [{ id: "1", method: "GET", url: `/users/${account}` }, { id: "2", method: "GET", url: `/users/${randomUUID()}` }],
  });
  assert.deepEqual(responses.map(({ id, status }) => [id, status]), [["1", 200], ["2", 404]]);

  await assert.rejects(
    client.api(`/groups/${randomUUID()}`).get(),
    (error) => error.statusCode === 404 && error.code === "Request_ResourceNotFound",
  );
  // The client waits out a 429 by itself.
  const devices = await client.api("/deviceManagement/managedDevices").get();
  assert.equal(devices["@odata.count"], devices.value.length);
}

const token = await appOnlyToken();
await signIn();
await graph(token);
console.log("Microsoft's clients are content");
