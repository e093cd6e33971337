// The function that the documentation of RegardingWork Hub gives to its readers, in a small browser: tokens in
// localStorage, addresses relative to a page, a login page to go to. Reads one order for each line of standard
// input and answers each with one line.

import { createInterface } from 'node:readline';

const stored = new Map();
const localStorage = {
  getItem: (name) => (stored.has(name) ? stored.get(name) : null),
  setItem: (name, value) => void stored.set(name, String(value)),
  removeItem: (name) => void stored.delete(name),
};
const window = { location: { href: '/home' } };
const page = process.argv[2];
const calls = [];

async function browserFetch(address, options) {
  const response = await fetch(new URL(address, page), options);
  calls.push([address, response.status]);
  return response;
}

async function refreshAccessToken() {
  const response = await browserFetch('/api/auth/refresh', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ refresh_token: localStorage.getItem('refresh_token') }),
  });
  if (!response.ok) {
    return false;
  }
  const data = await response.json();
  localStorage.setItem('access_token', data.access_token);
  localStorage.setItem('refresh_token', data.refresh_token);
  return true;
}

async function makeAuthenticatedRequest(address, options = {}) {
  const send = () =>
    browserFetch(address, {
      ...options,
      headers: { ...options.headers, Authorization: `Bearer ${localStorage.getItem('access_token')}` },
    });
  const response = await send();
  if (response.status !== 401) {
    return response;
  }
  if (await refreshAccessToken()) {
    return send();
  }
  localStorage.removeItem('access_token');
  localStorage.removeItem('refresh_token');
  window.location.href = '/login';
  return response;
}

async function login(username, password) {
  const response = await browserFetch('/api/auth/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  const data = await response.json();
  localStorage.setItem('access_token', data.access_token);
  localStorage.setItem('refresh_token', data.refresh_token);
  return response;
}

const orders = {
  login: ([username, password]) => login(username, password),
  request: ([address, options]) => makeAuthenticatedRequest(address, options),
  requests: ([address, count]) =>
    Promise.all(Array.from({ length: count }, () => makeAuthenticatedRequest(address))).then((all) => all.at(-1)),
  hold: async ([name, value]) => void localStorage.setItem(name, value),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [order, ...values] = JSON.parse(line);
  calls.length = 0;
  const response = await orders[order](values);
  const body = response && !response.bodyUsed ? await response.json() : null;
  const state = { calls, body, stored: Object.fromEntries(stored), location: window.location.href };
  console.log(JSON.stringify({ status: response?.status ?? null, ...state }));
}
