/** The page of the tasks. Tokens are keyturn.js's business: nothing here ever sees one. */

import { createKeyturn } from "/keyturn.js";

const part = (id) => document.getElementById(id);
const mode = localStorage.mode ?? "header";
const keyturn = createKeyturn({ accessTokenType: mode });

// Whatever fails, fails here, and is said in one place.
const attempt = (work) => async (event) => {
  event?.preventDefault();
  part("problem").textContent = "";
  try {
    await work(event);
  } catch (error) {
    part("problem").textContent = error.message;
  }
};

function show(section) {
  for (const id of ["strangers", "halfway", "people"]) part(id).hidden = id !== section;
  part("mode").disabled = section === "people";
}

function say(text) {
  const line = document.createElement("li");
  line.textContent = `${new Date().toLocaleTimeString()} ${text}`;
  part("log").prepend(line);
}

function item(text, label, act) {
  const line = document.createElement("li");
  const said = document.createElement("span");
  said.textContent = text;
  const button = document.createElement("button");
  button.textContent = label;
  button.className = "quiet";
  button.addEventListener("click", attempt(act));
  line.append(said, button);
  return line;
}

/** Call our own API. An access token that has expired is replaced on the way. */
async function api(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await keyturn.fetch(`/api/${path}`, { method, ...(body && { headers, body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error((await answer.json()).message ?? "Sign in first.");
  return answer.status === 204 ? null : answer.json();
}

async function showTasks() {
  const { tasks } = await api("GET", "tasks");
  part("tasks").replaceChildren(...tasks.map(({ id, text }) => item(text, "Done", async () => {
    await api("DELETE", `tasks/${id}`);
    await showTasks();
  })));
}

async function showSessions() {
  const sessions = await keyturn.sessions();
  part("sessions").replaceChildren(...sessions.map(({ id, current, deviceName, userAgent, lastSeenAt }) => {
    const device = `${deviceName ?? userAgent ?? "Some device"}, ${new Date(lastSeenAt).toLocaleString()}`;
    return current ? item(`${device} (this one)`, "Sign out", () => keyturn.logout()) : item(device, "End", async () => {
      await keyturn.endSession(id);
      await showSessions();
    });
  }));
}

const showPeople = attempt(async () => {
  show("people");
  await showTasks();
  await showSessions();
});

function askForSecondFactor({ mfaMethods, defaultMfaMethod }) {
  const choices = [...mfaMethods, "recovery code"].map((method) => new Option(method));
  const { method } = part("second-factor").elements;
  method.replaceChildren(...choices);
  method.value = defaultMfaMethod ?? "recovery code";
  show("halfway");
}

keyturn.on("signedin", () => { say("signed in"); showPeople(); });
keyturn.on("mfarequired", () => say("a second factor is due"));
keyturn.on("refreshed", () => say("refreshed"));
keyturn.on("signedout", ({ reason }) => { say(`signed out: ${reason}`); show("strangers"); });

part("sign-in").addEventListener("submit", attempt(async ({ target, submitter }) => {
  const answer = await keyturn[submitter.value](Object.fromEntries(new FormData(target)));
  target.reset();
  if (answer.isRequiresMfa) askForSecondFactor(answer);
}));
part("second-factor").addEventListener("submit", attempt(async ({ target }) => {
  const { method, code } = Object.fromEntries(new FormData(target));
  target.elements.code.value = "";
  await keyturn.verifyMfa(method === "recovery code" ? { code } : { method, otp: code });
}));
part("send-code").addEventListener("click", attempt(() => keyturn.challengeMfa(part("second-factor").elements.method.value)));
part("add").addEventListener("submit", attempt(async ({ target }) => {
  await api("POST", "tasks", Object.fromEntries(new FormData(target)));
  target.reset();
  await showTasks();
}));
part("reload").addEventListener("click", attempt(showTasks));
part("end-others").addEventListener("click", attempt(async () => {
  say(`${await keyturn.endOtherSessions()} ended`);
  await showSessions();
}));
part("sign-out").addEventListener("click", attempt(() => keyturn.logout()));

// Every tab of this browser is in the same mode, for they share the session.
part("mode").value = mode;
part("mode").addEventListener("change", ({ target }) => { localStorage.mode = target.value; location.reload(); });
addEventListener("storage", ({ key }) => key === "mode" && location.reload());

show("none");
attempt(async () => ((await keyturn.check()) ? showPeople() : show("strangers")))();
