import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../../src/http/http-server.ts';
import { ResponsesUnderWay } from '../../src/http/responses-under-way.ts';
import { until } from '../support/wait.ts';

const REQUEST = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n';

describe('responses under way', () => {
  let responses: ServerResponse[];
  let underWay: ResponsesUnderWay;
  let port: number;
  const server = createServer((_request, response) => {
    responses.push(response);
    underWay.add(response);
  });

  beforeEach(async () => {
    responses = [];
    underWay = new ResponsesUnderWay();
    port = (await listen(server, 0, '127.0.0.1')).port;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('are forgotten with their connection, those too that wait behind others', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write(REQUEST.repeat(5));
    await until(() => responses.length === 5);
    expect(underWay.count).toBe(5);
    socket.destroy();
    await until(() => underWay.count === 0);
  });

  it('are forgotten one by one when they are finished, while their connection stays', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.resume();
    socket.write(REQUEST.repeat(2));
    await until(() => responses.length === 2);
    const [first] = responses;
    first?.end();
    await until(() => underWay.count === 1);
    expect(socket.destroyed).toBe(false);
    socket.destroy();
    await once(socket, 'close');
  });
});
