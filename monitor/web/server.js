// What the monitor says: live state, and answers to questions. Knows nothing of what is shown.

const SILENCE_MS = 25000; // the server speaks at least every ten seconds
const GRACE_MS = 1500; // a restart shorter than this is not worth a shock
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;

export async function ask(path) {
  let answer;
  try {
    answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(15000) });
  } catch {
    throw new Error('the monitor does not answer');
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(body.error ?? `the monitor answers ${answer.status}`), { status: answer.status });
  return body;
}

// Reads that must not pile up: one at a time. now(): what a person asked for. soon(): what has changed by itself, rested
// between. read() copes with its own failures, and with an answer that nobody wants any more.
export function reader(read, restMs) {
  let running = false;
  let wanted = '';
  let timer = 0;
  let endedAt = -Infinity;

  const now = async () => {
    clearTimeout(timer);
    timer = 0;
    if (running) {
      wanted = 'now';
      return;
    }
    running = true;
    do {
      wanted = '';
      await read();
    } while (wanted === 'now');
    running = false;
    endedAt = performance.now();
    if (wanted) soon();
  };

  const soon = () => {
    if (running) wanted ||= 'soon';
    else timer ||= setTimeout(now, Math.max(0, endedAt + restMs - performance.now()));
  };

  return { now, soon };
}

// Tells tell({ state }), tell({ unavailable }) and tell({ lost }) for ever, whatever becomes of the server. EventSource's own
// reconnecting stops for good at an answer that is not 200, so each connection is a new one.
export function follow(tell) {
  let source = null;
  let delay = FIRST_RETRY_MS;
  let retry = 0;
  let silence = 0;
  let grace = 0;

  const heard = () => {
    delay = FIRST_RETRY_MS;
    clearTimeout(grace);
    grace = 0;
    clearTimeout(silence);
    silence = setTimeout(fail, SILENCE_MS);
  };

  const fail = () => {
    source?.close();
    source = null;
    clearTimeout(silence);
    clearTimeout(retry);
    grace ||= setTimeout(() => tell({ lost: true }), GRACE_MS);
    retry = setTimeout(connect, delay * (0.75 + Math.random() / 2));
    delay = Math.min(delay * 2, LAST_RETRY_MS);
  };

  const connect = () => {
    clearTimeout(retry);
    source?.close();
    source = new EventSource('/events');
    clearTimeout(silence);
    silence = setTimeout(fail, SILENCE_MS);
    source.addEventListener('state', (event) => {
      heard();
      tell({ state: JSON.parse(event.data) });
    });
    source.addEventListener('unavailable', (event) => {
      heard();
      tell({ unavailable: reasonOf(event.data) });
    });
    source.addEventListener('error', fail);
  };

  const hurry = () => {
    if (source || document.visibilityState === 'hidden') return;
    delay = FIRST_RETRY_MS;
    connect();
  };

  document.addEventListener('visibilitychange', hurry);
  window.addEventListener('online', hurry);
  connect();
}

function reasonOf(data) {
  try {
    const body = JSON.parse(data);
    return String(body?.error ?? body);
  } catch {
    return String(data);
  }
}
