import { askForToken, clock, query, TokenNeededError } from './api.js';

const SESSIONS = `{
  sessions(first: 20) {
    edges { node {
      id title externalId status createdAt
      statistics { wordCount averageConfidence }
      coverage { receivedMs }
    } }
  }
}`;

const status = document.getElementById('status');
const list = document.getElementById('sessions');

function item({ node: session }) {
  const link = document.createElement('a');
  link.href = `/live?session=${encodeURIComponent(session.id)}`;
  link.textContent = session.title || session.externalId || 'Untitled session';
  const details = document.createElement('small');
  const { wordCount, averageConfidence } = session.statistics;
  details.textContent = [
    session.status.toLowerCase(),
    new Date(session.createdAt).toLocaleString(),
    clock(session.coverage.receivedMs),
    `${wordCount} ${wordCount === 1 ? 'word' : 'words'}`,
    averageConfidence === null ? '' : `confidence ${averageConfidence.toFixed(2)}`,
  ]
    .filter((detail) => detail !== '')
    .join(' · ');
  const entry = document.createElement('li');
  entry.append(link, details);
  return entry;
}

async function show() {
  try {
    const { sessions } = await query(SESSIONS);
    list.replaceChildren(...sessions.edges.map(item));
    status.textContent = sessions.edges.length === 0 ? 'None yet. In a terminal: npm run demo' : '';
  } catch (error) {
    if (!(error instanceof TokenNeededError)) {
      status.textContent = `The list could not be loaded: ${error.message}`;
      return;
    }
    status.textContent = '';
    await askForToken();
    await show();
  }
}

await show();
