// Signs in, starts runs of the diagnostics and shows them as they come. Everything is asked of this server's own API.

const KEPT = "regen.diagnostics";
const PROTOCOL = "graphql-transport-ws";
const ENDED = new Set(["SUCCEEDED", "FAILED", "CANCELLED"]);
const WORDS = {
  NONE: "Not run",
  WAITING: "Waiting",
  RUNNING: "Running",
  PASSED: "Passed",
  FAILED: "Failed",
  SKIPPED: "Skipped",
};
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const SOCKET_OPENS_MS = 8000;
const OPEN_LEVELS = 2;

const PICTURE = "id width height small: url(width: 400) url";
const RUN = `suite status tests {
  name status durationMs request response message
  inputPictures { ${PICTURE} } outputPictures { ${PICTURE} }
}`;
const SESSION = "session { accessToken refreshToken } errors { message }";
const LOG_IN = `mutation ($input: LogInInput!) { logIn(input: $input) { ${SESSION} } }`;
const REFRESH = `mutation ($input: RefreshSessionInput!) { refreshSession(input: $input) { ${SESSION} } }`;
const LOG_OUT = "mutation ($input: LogOutInput) { logOut(input: $input) { errors { message } } }";
const VIEWER = "query { viewer { user { email isAdministrator } } }";
const START = `mutation ($input: RunDiagnosticsInput!) {
  runDiagnostics(input: $input) { generation { id } errors { code message } }
}`;
const CANCEL = "mutation ($input: CancelGenerationInput!) { cancelGeneration(input: $input) { errors { message } } }";
const READ = `query ($id: ID!) { diagnostics(generationId: $id) { ${RUN} } }`;
const FOLLOW = `subscription ($id: ID!) { diagnosticsUpdates(generationId: $id) { ${RUN} } }`;

const find = (id) => document.getElementById(id);

/** What lives as long as the tab: the tokens, the chosen suite, and the latest run of each. */
const kept = { accessToken: null, refreshToken: null, suite: "PROVIDERS", runs: {} };
/** The runs as they were shown last, by suite; and which of them are being started. */
const shown = {};
const starting = new Set();

function restore() {
  try {
    Object.assign(kept, JSON.parse(sessionStorage.getItem(KEPT) ?? "{}"));
  } catch {
    sessionStorage.removeItem(KEPT);
  }
}

function keep(changes) {
  Object.assign(kept, changes);
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
}

// ---------------------------------------------------------------- the API

class ApiError extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

async function post(query, variables) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  if (kept.accessToken) {
    headers.Authorization = `Bearer ${kept.accessToken}`;
  }
  const response = await fetch("/graphql", {
    method: "POST",
    headers,
    body: JSON.stringify({ query, variables }),
    credentials: "omit",
  });
  const answer = await response.json();
  if (answer.errors?.length) {
    const [error] = answer.errors;
    throw new ApiError(error.message, error.extensions?.code);
  }
  return answer.data;
}

/** The data of an operation; an access token that has run out is refreshed once. */
async function ask(query, variables = {}) {
  try {
    return await post(query, variables);
  } catch (error) {
    if (error.code !== "UNAUTHENTICATED" || !(await refreshed())) {
      throw error;
    }
    return post(query, variables);
  }
}

async function refreshed() {
  const refreshToken = kept.refreshToken;
  if (!refreshToken) {
    return false;
  }
  keep({ accessToken: null, refreshToken: null });
  const { refreshSession } = await post(REFRESH, { input: { refreshToken } });
  return takeSession(refreshSession);
}

function takeSession({ session, errors }) {
  if (errors.length) {
    throw new ApiError(errors[0].message, "UNAUTHENTICATED");
  }
  keep({ accessToken: session.accessToken, refreshToken: session.refreshToken });
  return true;
}

// ---------------------------------------------------------------- following a run

/** Calls `show` with the run each time that it changes, to its end: over a socket, or by asking again and again. */
async function follow(generationId, show, isWanted) {
  try {
    await overSocket(generationId, show, isWanted);
  } catch {
    await byAsking(generationId, show, isWanted);
  }
}

function overSocket(generationId, show, isWanted) {
  return new Promise((resolve, reject) => {
    const address = new URL("/graphql", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address, PROTOCOL);
    const opening = setTimeout(() => socket.close(), SOCKET_OPENS_MS);
    const send = (message) => socket.send(JSON.stringify(message));
    const settle = (done) => {
      clearTimeout(opening);
      done();
      socket.close();
    };
    socket.onopen = () => send({ type: "connection_init", payload: { authorization: `Bearer ${kept.accessToken}` } });
    socket.onclose = () => settle(() => reject(new ApiError("The socket was closed.")));
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (!isWanted()) {
        settle(resolve);
      } else if (message.type === "connection_ack") {
        clearTimeout(opening);
        send({ type: "subscribe", id: "run", payload: { query: FOLLOW, variables: { id: generationId } } });
      } else if (message.type === "ping") {
        send({ type: "pong" });
      } else if (message.type === "next" && message.payload.data?.diagnosticsUpdates) {
        show(message.payload.data.diagnosticsUpdates);
      } else if (message.type === "complete") {
        settle(resolve);
      } else if (message.type === "next" || message.type === "error") {
        settle(() => reject(new ApiError("The subscription was refused.")));
      }
    };
  });
}

async function byAsking(generationId, show, isWanted) {
  let wait = FIRST_WAIT_MS;
  let failures = 0;
  while (isWanted()) {
    try {
      const { diagnostics } = await ask(READ, { id: generationId });
      failures = 0;
      if (!diagnostics) {
        return;
      }
      show(diagnostics);
      if (ENDED.has(diagnostics.status)) {
        return;
      }
    } catch (error) {
      failures += 1;
      if (["UNAUTHENTICATED", "FORBIDDEN"].includes(error.code) || failures > 20) {
        throw error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 1.5, LONGEST_WAIT_MS);
  }
}

// ---------------------------------------------------------------- showing it

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function seconds(ms) {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function jsonNode(value, level = 0) {
  if (value === null || typeof value !== "object") {
    const kind = value === null ? "null" : typeof value;
    return element("span", { className: kind, textContent: JSON.stringify(value) });
  }
  const entries = Object.entries(value);
  const [left, right] = Array.isArray(value) ? "[]" : "{}";
  if (!entries.length) {
    return element("span", { textContent: left + right });
  }
  const rows = entries.map(([name, one]) => jsonRow(Array.isArray(value) ? null : name, one, level));
  return element("div", {}, ...rows);
}

function jsonRow(name, value, level) {
  const label = name === null ? "" : `${name}: `;
  const isBranch = value !== null && typeof value === "object" && Object.keys(value).length > 0;
  if (!isBranch) {
    return element("div", {}, label, jsonNode(value));
  }
  const count = Object.keys(value).length;
  const size = Array.isArray(value) ? `[${count}]` : `{${count}}`;
  const summary = element("summary", {}, label, element("span", { className: "of", textContent: size }));
  return element("details", { open: level < OPEN_LEVELS }, summary, jsonNode(value, level + 1));
}

function showJson(card, name, value) {
  const fold = card.querySelector(`.${name}`);
  const text = JSON.stringify(value ?? null);
  if (fold.dataset.text !== text) {
    fold.dataset.text = text;
    fold.hidden = value === null || value === undefined;
    fold.querySelector(".json").replaceChildren(fold.hidden ? "" : jsonNode(value));
  }
}

function figure(picture, caption) {
  const image = element("img", {
    src: picture.small,
    alt: `${caption} picture, ${picture.width} × ${picture.height} pixels`,
    width: picture.width,
    height: picture.height,
    loading: "lazy",
  });
  const link = element("a", { href: picture.url, target: "_blank", rel: "noopener noreferrer" }, image);
  return element("figure", {}, link, element("figcaption", { textContent: caption }));
}

function showPictures(card, test) {
  const place = card.querySelector(".pictures");
  const ids = [...test.inputPictures, ...test.outputPictures].map((picture) => picture.id).join();
  if (place.dataset.ids !== ids) {
    place.dataset.ids = ids;
    place.hidden = !ids;
    place.replaceChildren(
      ...test.inputPictures.map((picture) => figure(picture, "Input")),
      ...test.outputPictures.map((picture) => figure(picture, "Output")),
    );
  }
}

function showTest(card, test) {
  card.dataset.status = test.status;
  card.querySelector(".badge").textContent = WORDS[test.status];
  card.querySelector(".took").textContent = test.durationMs === null ? "" : seconds(test.durationMs);
  const message = card.querySelector(".message");
  message.textContent = test.message ?? "";
  message.hidden = !test.message;
  showPictures(card, test);
  showJson(card, "request", test.request);
  showJson(card, "response", test.response);
}

/** Leaves nothing of anybody's runs on the page. */
function forget() {
  for (const suite of Object.keys(shown)) {
    delete shown[suite];
  }
  for (const card of document.querySelectorAll(".test")) {
    showTest(card, { status: "NONE", durationMs: null, message: null, inputPictures: [], outputPictures: [] });
  }
}

function showRun(run) {
  shown[run.suite] = run;
  for (const test of run.tests) {
    const card = document.querySelector(`[data-suite="${run.suite}"] [data-test="${test.name}"]`);
    if (card) {
      showTest(card, test);
    }
  }
  showTools();
}

function summaryOf(run) {
  if (!run) {
    return "Not run yet.";
  }
  const counts = run.tests.map((test) => test.status);
  const of = (status) => counts.filter((one) => one === status).length;
  const parts = [`${of("PASSED")} passed`, `${of("FAILED")} failed`];
  if (of("SKIPPED")) {
    parts.push(`${of("SKIPPED")} skipped`);
  }
  const done = ENDED.has(run.status);
  const state = { SUCCEEDED: "Done", CANCELLED: "Stopped", FAILED: "Broken off" }[run.status] ?? "Running";
  return done || counts.some((one) => one !== "WAITING") ? `${state}: ${parts.join(", ")}.` : "Waiting for its turn.";
}

function showTools() {
  const run = shown[kept.suite];
  const busy = starting.has(kept.suite) || Boolean(run && !ENDED.has(run.status));
  find("run").disabled = busy;
  find("stop").hidden = !(run && !ENDED.has(run.status));
  find("summary").textContent = starting.has(kept.suite) ? "Starting." : summaryOf(run);
  for (const suite of document.querySelectorAll(".suite")) {
    suite.hidden = suite.dataset.suite !== kept.suite;
  }
  for (const choice of document.querySelectorAll("input[name=suite]")) {
    choice.checked = choice.value === kept.suite;
  }
}

function showOnly(id) {
  for (const one of ["sign-in", "refused", "desk"]) {
    find(one).hidden = one !== id;
  }
}

function complain(message) {
  find("notice").textContent = message ?? "";
  find("notice").hidden = !message;
}

// ---------------------------------------------------------------- what one does

function failed(error) {
  if (error.code === "UNAUTHENTICATED") {
    leave();
  } else if (find("desk").hidden && find("refused").hidden) {
    showOnly("sign-in");
  }
  complain(error instanceof ApiError ? error.message : "The server can't be reached. Try again.");
}

function leave() {
  keep({ accessToken: null, refreshToken: null, runs: {} });
  forget();
  find("account").hidden = true;
  showOnly("sign-in");
}

async function enter() {
  if (!kept.accessToken) {
    leave();
    return;
  }
  const { user } = (await ask(VIEWER)).viewer;
  find("who").textContent = user.email;
  find("account").hidden = false;
  if (!user.isAdministrator) {
    find("command").textContent = `regen admin grant ${user.email ?? "EMAIL"}`;
    showOnly("refused");
    return;
  }
  showOnly("desk");
  showTools();
  for (const [suite, generationId] of Object.entries(kept.runs)) {
    watch(suite, generationId);
  }
}

async function watch(suite, generationId) {
  const isWanted = () => kept.runs[suite] === generationId;
  try {
    await follow(generationId, (run) => isWanted() && showRun(run), isWanted);
  } catch (error) {
    failed(error);
  }
}

async function start() {
  const suite = kept.suite;
  starting.add(suite);
  showTools();
  try {
    const input = { suite, idempotencyKey: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` };
    const { generation, errors } = (await ask(START, { input })).runDiagnostics;
    if (errors.length) {
      throw new ApiError(errors[0].message, errors[0].code);
    }
    keep({ runs: { ...kept.runs, [suite]: generation.id } });
    watch(suite, generation.id);
  } finally {
    starting.delete(suite);
    showTools();
  }
}

async function stop() {
  const { errors } = (await ask(CANCEL, { input: { id: kept.runs[kept.suite] } })).cancelGeneration;
  complain(errors[0]?.message);
}

/** Runs what an event asks for; what goes wrong is shown. */
function doing(action) {
  return async (event) => {
    event?.preventDefault?.();
    complain();
    try {
      await action(event);
    } catch (error) {
      failed(error);
    }
  };
}

async function signIn({ target }) {
  const { email, password } = Object.fromEntries(new FormData(target));
  takeSession((await post(LOG_IN, { input: { email, password } })).logIn);
  target.reset();
  await enter();
}

async function useToken({ target }) {
  keep({ accessToken: new FormData(target).get("token").trim(), refreshToken: null });
  target.reset();
  await enter();
}

async function signOut() {
  const refreshToken = kept.refreshToken;
  leave();
  if (refreshToken) {
    await post(LOG_OUT, { input: { refreshToken } });
  }
}

restore();
find("password-form").addEventListener("submit", doing(signIn));
find("token-form").addEventListener("submit", doing(useToken));
find("sign-out").addEventListener("click", doing(signOut));
find("check-again").addEventListener("click", doing(enter));
find("run").addEventListener("click", doing(start));
find("stop").addEventListener("click", doing(stop));
for (const choice of document.querySelectorAll("input[name=suite]")) {
  choice.addEventListener("change", () => {
    keep({ suite: choice.value });
    showTools();
  });
}
doing(enter)();
