// The OpenID provider `oidc-provider` with what tests need to change while it runs.
//
// The first line of standard input is a JSON object of options, each further line one of changes
// to them. Every line is answered by one on standard output. When the input ends, so does this.

import { generateKeyPairSync } from "node:crypto";
import { createServer, request } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

console.info = console.error; // standard output is for answers
const options = { host: "127.0.0.1", port: 0, clients: [], accounts: {}, pkceRequired: true };
const deliveries = []; // of logout tokens
const stored = new Map();
const server = createServer((request, response) => answer(request, response));
let issuer, keys, provider, callback;

// Outlives the provider, which is made anew when its keys or clients change.
class Memory {
  constructor(model) {
    this.prefix = `${model}:`;
  }
  upsert = async (id, payload) => void stored.set(this.prefix + id, payload);
  find = async (id) => stored.get(this.prefix + id);
  findByUid = async (uid) => this.#own().find((payload) => payload.uid === uid);
  consume = async (id) => void ((await this.find(id)).consumed = true);
  destroy = async (id) => void stored.delete(this.prefix + id);
  async revokeByGrantId(grantId) {
    for (const [key, payload] of stored)
      if (key.startsWith(this.prefix) && payload.grantId === grantId) stored.delete(key);
  }
  #own() {
    return [...stored].filter(([key]) => key.startsWith(this.prefix)).map(([, found]) => found);
  }
}

function newKeys() {
  return [
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ].map(({ privateKey }) => ({ ...privateKey.export({ format: "jwk" }), use: "sig" }));
}

// The provider's own guard lets it reach no loopback, and `*.localhost` has no address everywhere.
function fetchHere(address, { method, headers, body }) {
  return new Promise((resolve, reject) => {
    const url = new URL(address);
    const lookup = (_name, how, found) =>
      how.all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4);
    request(url, { method, headers: Object.fromEntries(headers), lookup }, (response) => {
      response.resume();
      response.on("end", () => resolve(new Response(null, { status: response.statusCode })));
    })
      .on("error", reject)
      .end(String(body));
  });
}

function configuration() {
  return {
    adapter: Memory,
    jwks: { keys },
    clients: options.clients.map((client) => ({ backchannel_logout_session_required: true, ...client })),
    // Two providers on one host share its cookies: browsers don't tell ports apart.
    cookies: {
      keys: ["signs the cookies of a provider for tests"],
      names: Object.fromEntries(
        ["session", "interaction", "resume"].map((name) => [name, `${name}_${new URL(issuer).port}`]),
      ),
    },
    pkce: { required: () => options.pkceRequired },
    conformIdTokenClaims: false, // claims of scopes stand in the ID token as well
    acrValues: [...new Set(Object.values(options.accounts).map(({ acr }) => acr).filter(Boolean))],
    claims: {
      openid: ["sub", "acr", "amr", "auth_time", "groups"],
      email: ["email", "email_verified"],
      profile: ["name"],
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => void (context.body = page("Sign out", `${form}
          <button form="op.logoutForm" name="logout" value="yes">Sign out</button>`)),
        postLogoutSuccessSource: (context) => void (context.body = page("Signed out", "")),
      },
      backchannelLogout: { enabled: true },
    },
    renderError: (context, { error, error_description: why }) =>
      void (context.body = page("Error", `<p>${escaped(error)}: ${escaped(why)}</p>`)),
    interactions: { url: (_context, { uid }) => `/login/${uid}` },
    fetch: fetchHere,
    findAccount: (_context, sub) =>
      options.accounts[sub] && { accountId: sub, claims: () => ({ sub, ...options.accounts[sub] }) },
    loadExistingGrant, // nobody is asked for consent
  };
}

async function loadExistingGrant({ oidc }) {
  const { accountId } = oidc.session;
  const grant = new oidc.provider.Grant({ accountId, clientId: oidc.client.clientId });
  grant.addOIDCScope(oidc.params.scope);
  grant.addOIDCClaims(["acr", "amr", "auth_time"]);
  await grant.save();
  return grant;
}

async function start() {
  provider = new Provider(issuer, configuration());
  provider.on("backchannel.success", (_context, { clientId }) => deliveries.push([clientId, ""]));
  provider.on("backchannel.error", (_context, error, { clientId }) =>
    deliveries.push([clientId, error.message]),
  );
  provider.on("server_error", (_context, error) => console.error(error));
  callback = provider.callback();
  // It looks at a client when it is first used; a mistake in one is to be told at once.
  await Promise.all(options.clients.map((client) => provider.Client.find(client.client_id)));
}

function answer(request, response) {
  if (!request.url.startsWith("/login/")) return callback(request, response);
  const answered = request.method === "POST" ? signIn(request, response) : ask(response);
  answered.catch((error) => response.writeHead(400).end(error.message));
}

async function ask(response) {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(
    page("Who are you?", `<form method="post"><label>Account <input name="account" autofocus></label>
      <button>Sign in</button></form>`),
  );
}

async function signIn(request, response) {
  let body = "";
  for await (const piece of request) body += piece;
  const accountId = new URLSearchParams(body).get("account");
  const account = options.accounts[accountId];
  const result = account
    ? { login: { accountId, acr: account.acr, amr: account.amr } }
    : { error: "access_denied", error_description: "No such account" };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

function page(title, content) {
  return `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${content}</html>`;
}

function escaped(text) {
  return String(text).replace(/[&<"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

async function begin() {
  await new Promise((listening) => server.listen(options.port, "127.0.0.1", listening));
  issuer = `http://${options.host}:${server.address().port}`;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { newKeys: kind, ...changes } = JSON.parse(line);
  Object.assign(options, changes);
  if (!issuer) await begin();
  if (!keys || kind) keys = [...newKeys(), ...(kind === "beside" ? keys : [])];
  await start();
  console.log(JSON.stringify({ issuer, deliveries }));
}
process.exit();
