// What an application writes against the types of keyturn.js. It is checked, and never run.
import { createKeyturn, KeyturnError, type Keyturn, type Session } from "../../app/pages/keyturn.js";

const keyturn: Keyturn = createKeyturn({ baseUrl: "/auth", accessTokenType: "cookie" });

export async function signIn(email: string, password: string): Promise<boolean> {
  const answer = await keyturn.login({ email, password }, { rememberMe: false });
  if (answer.isRequiresMfa) await keyturn.verifyMfa({ method: "totp", otp: "000000", trustDevice: true });
  return keyturn.signedIn === true;
}

export async function devices(): Promise<string[]> {
  const stop = keyturn.on("signedout", ({ reason }) => reason.toLowerCase());
  const sessions: Session[] = await keyturn.sessions();
  stop();
  return sessions.map(({ deviceName }) => deviceName ?? "unknown");
}

export const wait = (error: unknown): number => (error instanceof KeyturnError ? (error.retryAfter ?? 0) : 0);

// @ts-expect-error there is no such mode
createKeyturn({ accessTokenType: "cookies" });
// @ts-expect-error there is no such event
keyturn.on("signed-out", () => {});
// @ts-expect-error the code is missing
keyturn.verifyMfa({ method: "totp" });
