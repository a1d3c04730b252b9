import { createContext, useContext } from 'react';
import type { Server } from './server.ts';

const ServerContext = createContext<Server | null>(null);
export const ServerProvider = ServerContext.Provider;

export function useServer(): Server {
  const server = useContext(ServerContext);
  if (server === null) throw new Error('There is no ServerProvider above');
  return server;
}
