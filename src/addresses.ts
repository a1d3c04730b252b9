import { networkInterfaces } from 'node:os';

const ALL_ADDRESSES = ['0.0.0.0', '::'];

/** The IPv4 addresses by which other machines may reach a server that listens at `host`; none when it has only that one. */
export function addressesElsewhere(host: string): string[] {
  if (!ALL_ADDRESSES.includes(host)) return [];
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address),
  );
}
