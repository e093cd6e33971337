/** Keyturn in the browser: signs in, keeps tokens fresh and agrees with the other tabs. See docs/browser.md. */

const [ANSWER_MS, LONGEST_WAIT_MS] = [15_000, 5_000];
const LOCK_MS = 20_000; // A tab that sleeps with the lock stops the others no longer; the grace period covers for it.
const REST_MS = 5_000; // No refresh is tried sooner after an end: a page's new access token lives longer.
const SETTLE_MS = 50; // What one tab stores, the others read a moment later, which may be after the lock is theirs.

/** A refusal or a failure. `status` is 0 where no answer came, `retryAfter` is in seconds. */
export class KeyturnError extends Error {
  constructor(message, { cause, ...fields } = {}) {
    super(message, { cause });
    Object.assign(this, { name: "KeyturnError", status: 0 }, fields);
  }
}

export function createKeyturn(
  { baseUrl = "/auth", accessTokenType = "header", storage = "local", refreshBefore = 60, origins = [] } = {}) {
  if (!["header", "cookie"].includes(accessTokenType)) throw new KeyturnError("accessTokenType is header or cookie");
  const base = new URL(baseUrl, location.href).href.replace(/\/+$/, "");
  const name = `keyturn:${base}`; // Of the lock, the channel and what is stored.
  const [byCookie, events, flights] = [accessTokenType === "cookie", new EventTarget(), {}];
  const [store, channel] = byCookie || storage === "local" ? shared(name) : [{}, null];
  const isTrusted = (url) => [location.origin, new URL(base).origin, ...origins].includes(new URL(url).origin);
  let unstored = null; // A marker that is not seen in the storage yet, or that it had no room for.
  const marker = () => store[name] ?? unstored; // Another after every answer: the refresh token, by cookie the moment.
  let [reported, restUntil] = [null, 0]; // The last event, and by cookie when a refresh may be tried after an end.
  let access = null; // Header mode: { token, marker, staleAt, endsAt }, never stored.
  let [signedIn, pause, csrf] = [byCookie || marker() !== null ? undefined : false, { until: 0 }, null];
  const isCurrent = () => access !== null && access.marker === marker();
  const isBefore = (moment) => isCurrent() && Date.now() < access[moment];
  const mayRefresh = () => marker() !== null || (byCookie && Date.now() >= restUntil);
  const emit = (event, detail) => { reported = event; events.dispatchEvent(new CustomEvent(event, { detail })); };
  const tell = (event, detail = {}) => {
    channel?.postMessage({ event, detail, access, signedIn, restUntil });
    emit(event, detail);
  };
  channel?.addEventListener("message", ({ data }) => {
    const hasReportedEnd = reported === "signedout" && signedIn === false;
    const { event, detail } = ({ access, signedIn, restUntil = 0 } = data);
    // A tab that slept must not store what it hears of only now: a logout may have removed it since.
    unstored = name in store ? null : (access?.marker ?? null);
    if (event !== "signedout" || !hasReportedEnd) emit(event, detail);
  });
  addEventListener("storage", () => { if (name in store) unstored = null; });
  /** Keep the tokens of an answer, tell everybody and return the rest of it. */
  function take({ accessToken, refreshToken, ...rest }, event) {
    const fits = "isRequiresMfa" in rest && byCookie !== Boolean(accessToken);
    if (!fits) throw new KeyturnError(`no answer of a service with KEYTURN_ACCESS_TOKEN_TYPE=${accessTokenType}`);
    unstored = byCookie ? String(Date.now()) : refreshToken;
    try { store[name] = unstored; unstored = null; } catch { delete store[name]; } // There is no room left.
    access = byCookie ? null : { token: accessToken, marker: refreshToken, ...lifetime(accessToken, refreshBefore) };
    [signedIn, restUntil] = [!rest.isRequiresMfa, 0];
    tell(signedIn ? event : "mfarequired");
    return rest;
  }
  function end(reason, isNews = signedIn || marker() !== null, report = tell) {
    [access, signedIn, unstored, restUntil] = [null, false, null, Date.now() + REST_MS];
    delete store[name];
    if (isNews) report("signedout", { reason });
  }
  /** Run while no other tab does. Without Web Locks, as under plain http, the grace period has to do. */
  async function exclusively(work) {
    let done;
    const hold = () => (done = work()).finally(() => sleep(SETTLE_MS));
    await navigator.locks?.request(name, { signal: AbortSignal.timeout(LOCK_MS) }, hold).catch(() => {});
    return done ?? work();
  }
  const ask = (path, body, method = "POST") => new Request(base + path, {
    method, body: JSON.stringify(body), cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS),
    headers: { "X-Access-Token-Type": accessTokenType, ...(body && { "Content-Type": "application/json" }) },
    credentials: byCookie ? "include" : "same-origin",
  });
  /** Ask who is signed in; a proxy or a page for every address says nothing of the session. */
  async function isSomebody(send) {
    const response = await send(ask("/user", undefined, "GET")).catch(unreachable);
    const { id, statusCode, code } = await json(response);
    if (response.status === 200 ? id : code === "MUST_CHANGE_PASSWORD") return true;
    if (response.status === 401 && statusCode === 401) return false;
    throw await refusal(response);
  }
  /** Ask again, a few times and as late as the service wishes, while the answer decides nothing. */
  async function persistently(path) {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(ask(path, byCookie ? {} : { refreshToken: marker() })).catch(noAnswer);
      if (answer.status !== 0 && answer.status !== 429 && answer.status < 500) return answer;
      const failure = answer instanceof KeyturnError ? answer : await refusal(answer);
      const wait = 1000 * (failure.retryAfter ?? 2 ** attempt / 4);
      if (wait > LONGEST_WAIT_MS) pause = { until: Date.now() + wait, failure };
      if (wait > LONGEST_WAIT_MS || attempt === 3) throw failure;
      await sleep(wait * (1 + Math.random() / 2));
    }
  }
  /** Resolve to whether there are newer tokens than those of `seen`; reject while nobody can tell. */
  const refresh = (seen) => (flights[seen] ??= exclusively(() => exchange(seen)).finally(() => delete flights[seen]));
  async function exchange(seen) {
    const presented = marker();
    if (presented !== seen && presented !== null) { // Another tab was quicker. Its access token may be under way.
      if (!byCookie && !isCurrent()) await new Promise((go) => { channel.onmessage = go; setTimeout(go, 1_000); });
      if (byCookie || isCurrent()) return true;
    }
    if (!mayRefresh()) return false;
    if (Date.now() < pause.until) throw pause.failure;
    const response = await persistently("/refresh-token");
    const answer = await json(response);
    if (marker() !== presented) return exchange(presented); // Somebody signed in or out meanwhile: not of our tokens.
    if (response.ok) return Boolean(take(answer, signedIn === false ? "signedin" : "refreshed"));
    const isOver = response.status === 401 ? answer.statusCode === 401 : answer.code === "ACCESS_DENIED";
    if (!isOver) throw await refusal(response); // A proxy's 401 or a failed origin check says nothing of the session.
    // A page that signs somebody in ends the session before, and its cookies may have come after our question.
    const isReplaced = byCookie && (signedIn || presented !== null) && (await isSomebody(fetch));
    return Boolean(isReplaced ? take({ isRequiresMfa: false }, "signedin") : end(answer.code ?? "SESSION_NOT_FOUND"));
  }
  /** Send with a token that is fresh as far as one can know, and once more if it was not. */
  async function authorized(send) {
    if (!byCookie && signedIn && marker() === null) end("SESSION_NOT_FOUND", true, emit); // Whoever ended it tells it.
    const isStale = !byCookie && marker() !== null && !isBefore("staleAt");
    if (isStale) await refresh(access?.marker ?? marker()).catch((error) => { if (!isBefore("endsAt")) throw error; });
    const seen = access?.marker ?? marker();
    const response = await send();
    // A wrong code is answered with 401 too, and must not be sent twice.
    if (response.status !== 401 || !mayRefresh() || /^MFA_/.test((await json(response)).code)) return response;
    return (await refresh(seen)) ? send() : response;
  }
  async function dispatch(request) {
    if (isCurrent()) request.headers.set("Authorization", `Bearer ${access.token}`);
    if (byCookie) request.headers.set("X-Access-Token-Type", "cookie");
    if (byCookie && !["GET", "HEAD", "OPTIONS"].includes(request.method)) await addCsrf(request.headers);
    const { referrer, referrerPolicy } = request; // They go back to the default beside any other option.
    return fetch(request, byCookie ? { credentials: "include", referrer, referrerPolicy } : {});
  }
  /** Where double submit is on, its value is in a cookie, or is asked for where that is another host's. */
  async function addCsrf(headers) {
    if (csrf?.enabled === false) return;
    const found = csrf && document.cookie.split("; ").find((pair) => pair.startsWith(`${csrf.cookieName}=`));
    if (!found) csrf = await parsed(fetch(ask("/csrf", undefined, "GET")));
    if (csrf.enabled) headers.set(csrf.headerName, found?.slice(csrf.cookieName.length + 1) ?? csrf.csrfToken);
  }
  async function guarded(input, init) {
    const request = new Request(input, init);
    const { headers, signal, url } = request;
    if (signal.aborted || !isTrusted(url) || headers.has("Authorization")) return fetch(request);
    const copies = [request.clone(), request];
    // What an aborted call waited for goes on, since others may wait for the same refresh.
    const aborted = new Promise((_, reject) => { signal.onabort = () => reject(signal.reason); });
    return Promise.race([aborted, authorized(() => dispatch(copies.pop()))]).finally(() => { signal.onabort = null; });
  }
  const call = (...asked) => parsed(guarded(ask(...asked)));
  const enter = (path, body) => exclusively(async () => take(await parsed(fetch(ask(path, body))), "signedin"));
  const keyturn = {
    get signedIn() { return signedIn; },
    login: (credentials, more = {}) => enter("/login", { credentials, ...more }),
    signup: (details) => enter("/signup", details),
    challengeMfa: (method) => call("/mfa/challenge", { method }),
    verifyMfa: async (proof) => take(await parsed(authorized(() => exclusively(() =>
      dispatch(ask(`/mfa/verify${"code" in proof ? "-recovery-code" : ""}`, proof))))), "signedin"),
    logout: () => exclusively(async () => {
      if (byCookie || marker() !== null) await parsed(persistently("/logout"));
      end("logout", signedIn !== false || mayRefresh());
    }),
    logoutAll: () => call("/logout-all").then(() => void end("logout")),
    check: async () => (signedIn = await isSomebody(guarded)),
    sessions: async () => (await call("/sessions", undefined, "GET")).sessions,
    endSession: (id) => call(`/sessions/${encodeURIComponent(id)}`, undefined, "DELETE"),
    endOtherSessions: async () => (await call("/sessions/revoke-others")).revoked,
    fetch: guarded,
    on(event, listener) {
      const hear = ({ detail }) => listener(detail);
      events.addEventListener(event, hear);
      return () => events.removeEventListener(event, hear);
    },
  };
  // A page that comes back from the back/forward cache has heard nothing of what happened meanwhile.
  addEventListener("pageshow", ({ persisted }) => persisted && keyturn.check().catch(() => {}));
  return keyturn;
}

/** Return what the tabs of the origin share: nothing, where the browser keeps no data for it. */
function shared(name) {
  try { return [localStorage ?? {}, new BroadcastChannel(name)]; } catch { return [{}, null]; }
}
const noAnswer = (cause) => (cause instanceof KeyturnError ? cause : new KeyturnError("no answer", { cause }));
const unreachable = (cause) => { throw noAnswer(cause); };
async function refusal(response) {
  const { message = `status ${response.status}`, code } = await json(response);
  const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
  return new KeyturnError(message, { status: response.status, code, retryAfter });
}
async function parsed(asked) {
  const response = await asked.catch(unreachable);
  if (!response.ok) throw await refusal(response);
  return response.json().catch(unreachable);
}
/** Say when a token ends by this machine's clock, whatever the clock of the service shows. */
function lifetime(token, refreshBefore) {
  const { iat, exp } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  const endsAt = Date.now() + 1000 * (exp - iat);
  return { endsAt, staleAt: endsAt - Math.min(1000 * refreshBefore, 500 * (exp - iat)) };
}
const json = (response) => response.clone().json().then(Object, () => ({})); // No fields where it is no JSON.
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
