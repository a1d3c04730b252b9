import { pino, type Logger } from 'pino';
import { PinoPretty } from 'pino-pretty';

/**
 * Writes JSON lines to standard output, or readable ones when a person is looking at it. Each line is out when the call
 * returns, so that the last words before a crash are not lost.
 */
export function createLogger(level: string): Logger {
  const stream = process.stdout.isTTY ? PinoPretty({ sync: true }) : pino.destination({ fd: 1, sync: true });
  return pino({ level, base: undefined }, stream);
}
