// Plain requests to the GraphQL API, and the token that it may ask for.

const TOKEN_KEY = 'verbatim-token';

/** The server wants a token, or another one. */
export class TokenNeededError extends Error {}

/** Kept for this tab only. */
export function token() {
  return sessionStorage.getItem(TOKEN_KEY);
}

/** Shows the form `#token-form`; resolves when a token was given. */
export function askForToken() {
  const form = document.getElementById('token-form');
  const input = document.getElementById('token');
  form.hidden = false;
  input.focus();
  return new Promise((resolve) => {
    const submit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(TOKEN_KEY, input.value);
      input.value = '';
      form.hidden = true;
      resolve();
    };
    form.addEventListener('submit', submit, { once: true });
  });
}

/** The data of a query. Throws `TokenNeededError`, or an `Error` with what the server says. */
export async function query(document, variables = {}) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json, application/json',
      'content-type': 'application/json',
      ...(token() && { authorization: `Bearer ${token()}` }),
    },
    body: JSON.stringify({ query: document, variables }),
  });
  if (response.status === 401) throw new TokenNeededError();
  // A request that never reached GraphQL is refused with `{ error }`.
  const { data, errors, error = errors?.[0] } = await response.json();
  if (error) throw new Error(error.message);
  return data;
}

/** `m:ss`, or `h:mm:ss` from an hour on. */
export function clock(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${twoDigits(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${twoDigits(seconds % 60)}`;
}

function twoDigits(value) {
  return String(value).padStart(2, '0');
}
