// Follows one session over graphql-transport-ws: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
import { askForToken, clock, query, token, TokenNeededError } from './api.js';

const SESSION = `query ($id: ID!) { session(id: $id) { id title externalId status audioFormat { channels } } }`;
const SEGMENT_ADDED = `subscription ($sessionId: ID!, $after: String, $fromStart: Boolean) {
  segmentAdded(sessionId: $sessionId, after: $after, fromStart: $fromStart) {
    id kind revision text startMs channel speaker cursor
  }
}`;

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
/** Distance from the end of the page, in CSS pixels, within which it follows new text. */
const FOLLOW_DISTANCE = 80;
/** Close codes of a server that wants a token, or another one. */
const UNAUTHORISED = [4401, 4403];

const sessionId = new URLSearchParams(location.search).get('session');
const status = document.getElementById('status');
const finals = document.getElementById('finals');
const interims = document.getElementById('interims');

/** Cursor of the last final that is shown: where the next connection resumes. */
let cursor = null;
/** Of the session's audio. */
let channels = 1;

/** Who speaks; or, of several, which channel; or nothing. */
function voiceOf({ speaker, channel }) {
  return speaker ?? (channels > 1 ? `Channel ${channel}` : null);
}

function paragraph(segment) {
  const time = document.createElement('time');
  time.textContent = clock(segment.startMs);
  const text = document.createElement('span');
  text.textContent = segment.text;
  const element = document.createElement('p');
  element.dataset.segment = segment.id;
  element.append(time);
  const voice = voiceOf(segment);
  if (voice !== null) {
    const name = document.createElement('b');
    name.textContent = voice;
    element.append(name);
  }
  element.append(text);
  return element;
}

function show(segment) {
  const page = document.documentElement;
  const following = page.scrollHeight - page.scrollTop - page.clientHeight < FOLLOW_DISTANCE;
  const shown = [...interims.children].find((element) => element.dataset.segment === segment.id);
  if (segment.kind === 'FINAL') {
    shown?.remove();
    finals.append(paragraph(segment));
    cursor = segment.cursor;
  } else if (segment.text === '') {
    shown?.remove();
  } else if (shown) {
    shown.lastElementChild.textContent = segment.text;
  } else {
    interims.append(paragraph(segment));
  }
  if (following) page.scrollTop = page.scrollHeight;
}

/** Resolves with `completed`, `unauthorised` or `lost`, when the subscription is over for that reason. Throws what the API says. */
function followOnce() {
  return new Promise((resolve, reject) => {
    const url = new URL('/graphql', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, 'graphql-transport-ws');
    const send = (message) => socket.send(JSON.stringify(message));
    socket.addEventListener('open', () =>
      send({ type: 'connection_init', payload: token() ? { authorization: `Bearer ${token()}` } : undefined }),
    );
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(data);
      switch (message.type) {
        case 'connection_ack':
          status.textContent = 'Live';
          // What was being spoken may have ended while nobody listened.
          interims.replaceChildren();
          send({
            id: 'segments',
            type: 'subscribe',
            payload: { query: SEGMENT_ADDED, variables: { sessionId, after: cursor, fromStart: cursor === null } },
          });
          break;
        case 'ping':
          send({ type: 'pong' });
          break;
        case 'next':
          if (message.payload.errors) reject(new Error(message.payload.errors[0].message));
          else show(message.payload.data.segmentAdded);
          break;
        case 'error':
          reject(new Error(message.payload[0].message));
          socket.close();
          break;
        case 'complete':
          resolve('completed');
          socket.close();
          break;
      }
    });
    socket.addEventListener('close', ({ code }) => resolve(UNAUTHORISED.includes(code) ? 'unauthorised' : 'lost'));
  });
}

async function findSession() {
  for (;;) {
    try {
      return (await query(SESSION, { id: sessionId })).session;
    } catch (error) {
      if (!(error instanceof TokenNeededError)) throw error;
      status.textContent = '';
      await askForToken();
    }
  }
}

async function follow() {
  const session = await findSession();
  if (session === null) {
    status.textContent = 'There is no such session.';
    return;
  }
  channels = session.audioFormat.channels;
  const title = session.title || session.externalId;
  if (title) {
    document.getElementById('title').textContent = title;
    document.title = `${title} – Verbatim`;
  }
  for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LONGEST_RETRY_MS)) {
    const cursorBefore = cursor;
    const outcome = await followOnce();
    if (outcome === 'completed') {
      interims.replaceChildren();
      status.textContent =
        finals.children.length === 0 ? 'The session is over; nothing was said.' : 'The session is over.';
      return;
    }
    if (outcome === 'unauthorised') {
      status.textContent = '';
      await askForToken();
      continue;
    }
    if (cursor !== cursorBefore) pause = FIRST_RETRY_MS;
    status.textContent = 'Connection lost, trying again …';
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

if (sessionId === null) {
  status.textContent = 'Which session? Choose one from the list of recent sessions.';
} else {
  follow().catch((error) => {
    status.textContent = `The transcript could not be loaded: ${error.message}`;
  });
}
