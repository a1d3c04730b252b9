import type { Config } from './config.ts';
import { DataDirectoryInUseError } from './database/data-directory-lock.ts';
import { MigrationError } from './database/migrations.ts';
import { UnsupportedDatabaseError } from './database/open-database.ts';
import { DatabaseUnavailableError } from './database/store-errors.ts';
import { CertificateError } from './http/certificate.ts';
import { RecognitionFailure } from './recognition/recogniser.ts';

/** What to tell the person who started the server and what to do about it; `null` for what nobody foresaw. */
export function startFailure(error: unknown, { port, host }: Pick<Config, 'port' | 'host'>): string | null {
  if (error instanceof DataDirectoryInUseError || error instanceof UnsupportedDatabaseError) return error.message;
  if (error instanceof CertificateError) return `HTTPS can't be served: ${error.message}`;
  if (error instanceof MigrationError) return `The database can't be used: ${error.message}`;
  if (error instanceof DatabaseUnavailableError) return `The database can't be opened: ${error.message}`;
  if (error instanceof RecognitionFailure) return `The recogniser could not start: ${error.message}`;
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `Port ${port} of ${host} is taken by another program: stop it, or set PORT to another one.`;
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${host}: set HOST to one of its own, or to 127.0.0.1.`;
    case 'EACCES':
      return `No permission: ${messageOf(error)}. Choose a PORT above 1023 and a DATA_DIR that can be written.`;
    case 'ENOSPC':
      return `The disk is full: ${messageOf(error)}.`;
    default:
      return null;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
