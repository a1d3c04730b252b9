import { LockOpenIcon } from 'lucide-react';

const DEFAULT_PORT = '4000';

/** Why there is no microphone on a page that came by `http://` from another machine, and what to do about it. */
export function InsecureCard() {
  const { hostname, port, origin } = location;
  const place = port === '' ? '' : `:${port}`;
  return (
    <section className="card insecure" aria-labelledby="insecure-title">
      <LockOpenIcon aria-hidden size={22} />
      <div>
        <h2 id="insecure-title">No microphone at this address</h2>
        <p>
          This page came from <code>{origin}</code>. Browsers let pages listen only when they come by{' '}
          <code>https://</code>, or from the machine itself. Any of these helps:
        </p>
        <ul className="steps">
          <li>
            On the machine that runs Verbatim, open <code>http://localhost{place || `:${DEFAULT_PORT}`}</code>.
          </li>
          <li>
            For this device, whoever runs Verbatim gives it a certificate: the settings <code>TLS_CERT</code> and{' '}
            <code>TLS_KEY</code>, explained in <code>docs/operation.md</code> under “Phones and other machines”. Then
            open{' '}
            <code>
              https://{hostname}
              {place}
            </code>
            .
          </li>
          <li>Or transcribe a recording: that works here, with any audio file.</li>
        </ul>
      </div>
    </section>
  );
}
