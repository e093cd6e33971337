// One browser or one app of one person: the published AuthClient, once for each tab, on shared storage.

import { register } from 'node:module';
import { CookieJar } from 'tough-cookie';

register('./file_endings.mjs', import.meta.url);
const { AuthClient, FetchAdapter, MemoryStorage, TokenManager, attachToFetch } = await import(
  '@ackplus/nest-auth-client'
);

// Newer versions of Node have Web Locks, with which all tabs would queue for one refresh; not every browser has.
delete globalThis.navigator;

/** The one thing that a browser's fetch does and Node's does not: keep cookies and send them. */
function fetchWithCookies(jar) {
  return async (url, { headers, ...options }) => {
    const cookie = await jar.getCookieString(url);
    const answer = await fetch(url, { ...options, headers: { ...headers, ...(cookie && { cookie }) } });
    for (const line of answer.headers.getSetCookie()) await jar.setCookie(line, url);
    return answer;
  };
}

/** The package's own FetchAdapter for a fetch that is not the global one. */
class CookieFetchAdapter {
  constructor(jar) {
    this.fetch = fetchWithCookies(jar);
  }

  async request({ url, method, headers, body, timeout }) {
    const signal = AbortSignal.timeout(timeout);
    const answer = await this.fetch(url, { method, headers, signal, body: body && JSON.stringify(body) });
    const { status, ok } = answer;
    return { status, ok, data: await answer.json(), headers: Object.fromEntries(answer.headers) };
  }
}

export class Device {
  constructor(baseUrl, mode) {
    this.baseUrl = baseUrl;
    this.mode = mode;
    this.storage = new MemoryStorage();
    this.jar = new CookieJar();
    this.tabs = [];
    this.traffic = [];
    this.events = [];
  }

  /** Call a method of a tab's client. */
  async call(tab, method, ...args) {
    return this.tab(tab)[method](...args);
  }

  /** Fetch as a page does whose fetch the client has been attached to. */
  async fetch(path) {
    const plainFetch = this.mode === 'cookie' ? fetchWithCookies(this.jar) : fetch;
    const answer = await attachToFetch(this.tab(0), plainFetch)(this.baseUrl + path);
    return { status: answer.status, data: await answer.json() };
  }

  tab(number) {
    this.tabs[number] ??= this.open();
    return this.tabs[number];
  }

  open() {
    const client = new AuthClient({
      baseUrl: this.baseUrl,
      accessTokenType: this.mode,
      storage: this.storage,
      httpAdapter: this.listenTo(this.mode === 'cookie' ? new CookieFetchAdapter(this.jar) : new FetchAdapter()),
    });
    client.onLogout(() => this.events.push('logout'));
    client.onTokenRefreshed(() => this.events.push('tokenRefreshed'));
    return client;
  }

  /** Write down every answer that the client's own requests get. */
  listenTo(adapter) {
    const request = async (options) => {
      const answer = await adapter.request(options);
      this.traffic.push([options.method, new URL(options.url).pathname, answer.status]);
      return answer;
    };
    return { request };
  }

  /** What the package tells an application that would rather refresh before a call is refused. */
  needsRefresh() {
    return new TokenManager({ storage: this.storage, accessTokenType: this.mode }).needsRefresh();
  }

  /** All that the device holds, and what it has been through. */
  async look() {
    const stored = Object.fromEntries(this.storage.keys().map((key) => [key, this.storage.get(key)]));
    const cookies = await this.jar.getCookies(this.baseUrl);
    return { stored, cookies, traffic: this.traffic, events: this.events };
  }
}
