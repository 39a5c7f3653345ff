import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ROOT, run } from './packed-package.js';

/** An npm registry that has one package, packed, and sends whoever wants another one on. */
export class PackageRegistry {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(tarball: string): Promise<PackageRegistry> {
    const upstream = (await run(ROOT, 'npm', ['config', 'get', 'registry'])).trim();
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      name: string;
      version: string;
    };
    const packed = readFileSync(tarball);
    const server = createServer((request, response) => {
      const path = request.url!;
      if (path === `/${manifest.name}`) response.end(JSON.stringify(packument()));
      else if (path === `/${manifest.name}.tgz`) response.end(packed);
      else response.writeHead(302, { location: new URL(path.slice(1), upstream).href }).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const integrity = `sha512-${createHash('sha512').update(packed).digest('base64')}`;
    const packument = () => ({
      name: manifest.name,
      'dist-tags': { latest: manifest.version },
      versions: {
        [manifest.version]: {
          ...manifest,
          dist: { tarball: `${url}/${manifest.name}.tgz`, integrity },
        },
      },
    });
    return new PackageRegistry(server, url);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
