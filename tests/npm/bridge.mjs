// Lets the tests speak to devices over stdin and stdout: a JSON request on each line, answered as it is done.

import { createInterface } from 'node:readline';
import { Device } from './device.mjs';

const devices = new Map();

async function perform({ device, verb, args }) {
  if (verb === 'make') return void devices.set(device, new Device(...args));
  return devices.get(device)[verb](...args);
}

function answer(id, content) {
  process.stdout.write(`${JSON.stringify({ id, ...content })}\n`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...request } = JSON.parse(line);
  // Not awaited: requests that come together run together, as the calls of one page do.
  perform(request).then(
    (value) => answer(id, { value: value ?? null }),
    (error) => answer(id, { error: { message: error.message, code: error.code, kind: error.kind, statusCode: error.statusCode } }),
  );
}
// The client keeps timers of a minute, which nobody waits for.
process.exit();
