import { hasErrorCode, objectsIn, type Answer } from "./answers";
import { Store, useStore } from "./store";

const KEY = "regen.accessToken";
const REFUSED = "The server refused the access token; it may have expired.";

export interface Session {
  accessToken: string | null;
  /** Kept for this page only, and shown only to be copied. */
  refreshToken: string | null;
  hint: string | null;
}

/** Keeps the access token that an answer brought, for this browser tab, and gives it to every request. */
export class SessionKeeper extends Store<Session> {
  readonly #storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;

  constructor(storage: Pick<Storage, "getItem" | "setItem" | "removeItem">) {
    super({ accessToken: storage.getItem(KEY), refreshToken: null, hint: null });
    this.#storage = storage;
  }

  headers(): Record<string, string> {
    const { accessToken } = this.value;
    return accessToken ? { authorization: `Bearer ${accessToken}` } : {};
  }

  /** Takes any `accessToken` out of an answer; notes when the server refuses the one it has. */
  readonly watch = (answer: Answer): void => {
    for (const { accessToken, refreshToken } of objectsIn(answer.data)) {
      if (typeof accessToken !== "string") continue;
      this.#storage.setItem(KEY, accessToken);
      this.set({ accessToken, refreshToken: typeof refreshToken === "string" ? refreshToken : null, hint: null });
      return;
    }
    if (this.value.accessToken && hasErrorCode(answer, "UNAUTHENTICATED")) this.set({ ...this.value, hint: REFUSED });
  };

  readonly forget = (): void => {
    this.#storage.removeItem(KEY);
    this.set({ accessToken: null, refreshToken: null, hint: null });
  };
}

export function SessionStatus({ session }: { session: SessionKeeper }) {
  const { accessToken, refreshToken, hint } = useStore(session);
  if (!accessToken) {
    return (
      <div className="regen-session" role="status">
        <span className="regen-dot" />
        Not signed in
      </div>
    );
  }
  return (
    <div className="regen-session" role="status">
      {hint && <HintText hint={hint} refreshToken={refreshToken} />}
      <span className={hint ? "regen-dot is-doubtful" : "regen-dot is-on"} />
      Signed in
      <button type="button" className="regen-button" onClick={() => void copy(accessToken)} title="For curl and others">
        Copy token
      </button>
      <button type="button" className="regen-button" onClick={session.forget} title="Send no token any more">
        Forget
      </button>
    </div>
  );
}

function HintText({ hint, refreshToken }: { hint: string; refreshToken: string | null }) {
  if (!refreshToken) return <span className="regen-hint">{hint} Run logIn again.</span>;
  return (
    <span className="regen-hint">
      {hint} Run refreshSession with{" "}
      <button type="button" className="regen-link" onClick={() => void copy(refreshToken)}>
        the refresh token (copy)
      </button>{" "}
      or logIn.
    </span>
  );
}

async function copy(text: string): Promise<void> {
  if (isSecureContext) await navigator.clipboard.writeText(text);
  else prompt("This page came without TLS, so copy it by hand:", text); // browsers keep the clipboard from such pages
}
