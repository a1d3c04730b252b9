import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema, isEnumType } from 'graphql';

/** The contract as clients have it. */
export const SCHEMA = buildSchema(readFileSync(path.resolve(import.meta.dirname, '../../schema.graphql'), 'utf8'));

const errorCodes = SCHEMA.getType('ErrorCode');
if (!isEnumType(errorCodes)) throw new Error('The schema has no ErrorCode');
const DOCUMENTED_CODES: ReadonlySet<unknown> = new Set(errorCodes.getValues().map(({ name }) => name));

/** What says too much: a stack, a file of the program, a folder of the machine. */
const LEAK = /\n\s+at |node_modules|node:internal|\/(?:dist|src)\/\w|verbatim-fuzz-|SQLITE_|PrismaClient/u;

const LONGEST_REFUSAL = 2_000;

/** Close codes of RFC 6455 and graphql-transport-ws with which a client may be sent away; 1006: without a word. */
const DOCUMENTED_CLOSES: ReadonlySet<number> = new Set([
  1e3, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 4004, 4400, 4401, 4403, 4406, 4408, 4409, 4429,
]);

/** The server did what it never may. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** How often each answer came, by what is told of it. */
export class Tally {
  readonly counts = new Map<string, number>();

  add(answer: string): void {
    this.counts.set(answer, (this.counts.get(answer) ?? 0) + 1);
  }
}

interface Failure {
  readonly message?: unknown;
  readonly extensions?: { readonly code?: unknown };
}

/** Checks an answer of the HTTP server. @returns what to count it as. @throws Violation */
export function judgeHttp(status: number, body: string): string {
  const json = parsed(body);
  // Pages and their scripts are the same for everybody.
  if (json !== null || body.length < LONGEST_REFUSAL) refuseLeaks(body);
  if (status >= 500 && status !== 503) throw new Violation(`status ${status}: ${shortened(body)}`);
  const codes = [...failuresOf(json), ...(json?.error === undefined ? [] : [json.error])].map(judgeFailure);
  if (status === 503 && codes.length === 0) throw new Violation(`status 503 without a code: ${shortened(body)}`);
  return `HTTP ${status}${codes.length > 0 ? ` ${codes[0]}` : ''}`;
}

/** Checks the result of an operation. @returns the first error's code, or `data`. @throws Violation */
export function judgeResult(result: unknown): string {
  refuseLeaks(JSON.stringify(result) ?? '');
  const failures = Array.isArray(result) ? (result as Failure[]) : failuresOf(result as Answer | null);
  const [first] = failures.map(judgeFailure);
  return first ?? 'data';
}

/** Checks how a WebSocket was closed. @throws Violation */
export function judgeClose(code: number, reason: string): string {
  refuseLeaks(reason);
  if (!DOCUMENTED_CLOSES.has(code)) throw new Violation(`the socket was closed with ${code} (${reason})`);
  return `close ${code}`;
}

interface Answer {
  readonly errors?: readonly Failure[];
  readonly error?: Failure & { readonly code?: unknown };
}

function parsed(body: string): Answer | null {
  if (!/^\s*[{[]/u.test(body)) return null;
  try {
    return JSON.parse(body) as Answer;
  } catch {
    return null;
  }
}

function failuresOf(answer: Answer | null): readonly Failure[] {
  return answer?.errors ?? [];
}

function judgeFailure(failure: Failure & { readonly code?: unknown }): string {
  const code = failure.extensions?.code ?? failure.code;
  if (!DOCUMENTED_CODES.has(code))
    throw new Violation(`an error without a documented code: ${shortened(JSON.stringify(failure))}`);
  if (code === 'INTERNAL_SERVER_ERROR')
    throw new Violation(`INTERNAL_SERVER_ERROR: ${shortened(JSON.stringify(failure))}`);
  return String(code);
}

function refuseLeaks(text: string): void {
  const leak = LEAK.exec(text);
  if (leak !== null) throw new Violation(`tells "${leak[0]}": ${shortened(text.slice(Math.max(0, leak.index - 100)))}`);
}

function shortened(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)} …`;
}
