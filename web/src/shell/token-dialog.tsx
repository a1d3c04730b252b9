import { useState } from 'react';
import { useServer } from '../api/context.ts';
import { Dialog } from '../ui/dialog.tsx';
import { useStore } from '../ui/store.ts';

/** Asks for the server's `AUTH_TOKEN`, once: the browser keeps it. */
export function TokenDialog() {
  const server = useServer();
  const { isTokenRefused } = useStore(server);
  const [token, setToken] = useState('');
  return (
    <Dialog title="This server asks for its token" onClose={null} onSubmit={() => server.giveToken(token.trim())}>
      <p>
        Whoever runs it has set one as <code>AUTH_TOKEN</code>. This browser will remember it.
      </p>
      <label className="field">
        Token
        <input
          type="password"
          autoComplete="current-password"
          required
          value={token}
          aria-invalid={isTokenRefused}
          aria-describedby={isTokenRefused ? 'token-refused' : undefined}
          onChange={(event) => setToken(event.target.value)}
        />
      </label>
      {isTokenRefused && (
        <p id="token-refused" className="warning" role="alert">
          The server does not take that token.
        </p>
      )}
      <div className="actions">
        <button className="button primary">Continue</button>
      </div>
    </Dialog>
  );
}
