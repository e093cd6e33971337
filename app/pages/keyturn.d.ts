/** Keyturn in the browser. What the calls do, and when they fail, is told in docs/browser.md. */

export interface KeyturnOptions {
  /** Where the nest_auth contract is mounted; another origin needs its whole address. Default: "/auth". */
  baseUrl?: string;
  /** How tokens travel; has to fit KEYTURN_ACCESS_TOKEN_TYPE of the service. Default: "header". */
  accessTokenType?: "header" | "cookie";
  /**
   * Header mode: where the refresh token is kept. "memory" is for one tab until it is reloaded, and what is left of
   * "local" where the browser stores nothing. Default: "local".
   */
  storage?: "local" | "memory";
  /** Header mode: how many seconds before its end an access token is replaced, at most half its life. Default: 60. */
  refreshBefore?: number;
  /** Origins beside the page's own and that of `baseUrl` whose requests carry the access token. */
  origins?: string[];
}

export type MfaMethod = "email" | "sms" | "totp";

export interface SignInAnswer {
  message?: string;
  /** A second factor is due: nobody is signed in before `verifyMfa`. */
  isRequiresMfa: boolean;
  mfaMethods?: MfaMethod[];
  defaultMfaMethod?: MfaMethod;
  mustChangePassword?: true;
  /** Header mode, after `verifyMfa` with `trustDevice`: give it to later logins. */
  trustToken?: string;
}

export interface Credentials {
  email?: string;
  phone?: string;
  password?: string;
  /** With `providerName: "passwordless"`: an e-mail address or phone number, and the code that was sent there. */
  identifier?: string;
  code?: string;
}

export interface LoginOptions {
  providerName?: "email" | "phone" | "passwordless";
  /** Cookie mode: whether to stay signed in when the browser closes. Default: true. */
  rememberMe?: boolean;
  trustToken?: string;
}

export interface SignupDetails {
  email?: string;
  phone?: string;
  password: string;
  name?: string;
}

export type MfaProof =
  | { method: MfaMethod; otp: string; trustDevice?: boolean }
  | { code: string; trustDevice?: boolean };

export interface Session {
  id: string;
  current: boolean;
  deviceName: string | null;
  userAgent: string | null;
  ipAddress: string | null;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
}

export interface KeyturnEvents {
  /** Somebody has signed in, here or in another tab. */
  signedin: {};
  /** Somebody has begun to sign in, here or in another tab, and a second factor is due. */
  mfarequired: {};
  /** There are new tokens. */
  refreshed: {};
  /** "logout", or the code with which the service refused. */
  signedout: { reason: string };
}

/** A refusal or a failure. */
export declare class KeyturnError extends Error {
  constructor(message: string, fields?: { status?: number; code?: string; retryAfter?: number; cause?: unknown });
  /** The status of the answer, or 0 where none came. */
  readonly status: number;
  /** The code of the service, where it gave one. */
  readonly code?: string;
  /** Seconds after which to try again, where the service named them. */
  readonly retryAfter?: number;
}

export interface Keyturn {
  /** Whether somebody is signed in as far as this page knows; undefined until a call has told. */
  readonly signedIn: boolean | undefined;
  login(credentials: Credentials, options?: LoginOptions): Promise<SignInAnswer>;
  signup(details: SignupDetails): Promise<SignInAnswer>;
  /** Have a code sent for the second factor. */
  challengeMfa(method: MfaMethod): Promise<{ message: string }>;
  verifyMfa(proof: MfaProof): Promise<SignInAnswer>;
  /** End the session. Rejects, and leaves everything as it is, while the service cannot be told. */
  logout(): Promise<void>;
  /** End every session of the person. */
  logoutAll(): Promise<void>;
  /** Ask the service whether somebody is signed in, refreshing if need be. Rejects where something else answers. */
  check(): Promise<boolean>;
  sessions(): Promise<Session[]>;
  endSession(id: string): Promise<{ message: string }>;
  /** Resolves to the number of sessions that ended. */
  endOtherSessions(): Promise<number>;
  /** As the global `fetch`, with the access token where it may go. */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** Returns what ends the listening. */
  on<Name extends keyof KeyturnEvents>(event: Name, listener: (detail: KeyturnEvents[Name]) => void): () => void;
}

export declare function createKeyturn(options?: KeyturnOptions): Keyturn;
