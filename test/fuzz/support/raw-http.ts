import { once } from 'node:events';
import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly head: string;
  readonly body: string;
}

/** What may stand in a header at all: the server answers others before the application sees them. */
export const headerValue = (text: string): string =>
  Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^\t\x20-\x7e\x80-\xff]/g, '');

/** Sends bytes as they are, which no client does, and reads the answer. */
export async function sendRaw(
  url: string,
  requestLine: string,
  headers: readonly string[],
  body: Uint8Array | string = '',
): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(url);
  const payload = Buffer.from(body);
  const socket = connect(Number(port), hostname);
  try {
    const head = [
      `${requestLine} HTTP/1.1`,
      `Host: ${host}`,
      'Connection: close',
      `Content-Length: ${payload.length}`,
      ...headers,
    ].join('\r\n');
    socket.write(Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), payload]));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // The server may answer and close before it has read all.
    socket.on('error', () => undefined);
    await once(socket, 'close');
    return parse(Buffer.concat(chunks).toString('utf8'));
  } finally {
    socket.destroy();
  }
}

function parse(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]),
    type: /^content-type: *(.*)$/im.exec(head)?.[1] ?? '',
    head,
    body: text.slice(end + 4),
  };
}
